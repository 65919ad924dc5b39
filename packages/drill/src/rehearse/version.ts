import { type Answer, MusterError } from '@muster/core';

/** What a version query gave: its one value, or why it has none. */
export type Version =
  | { readonly value: string; readonly fault?: undefined }
  | { readonly value?: undefined; readonly fault: string };

/**
 * The one value of a version query. @throws `time_limit`, `rehearsal_unready`: where there was no answer nothing is known,
 * of what is there as of what came back.
 */
export function versionOf(answer: Answer, limitMs: number): Version {
  switch (answer.kind) {
    case 'row': {
      const [first, ...more] = answer.row.columns;
      if (first === undefined || more.length > 0)
        return { fault: `gave ${answer.row.columns.length} columns` };
      if (first.value.kind === 'null') return { fault: 'gave NULL' };
      return { value: first.value.kind === 'boolean' ? String(first.value.value) : first.value.text };
    }
    case 'no_rows':
      return { fault: 'gave no row' };
    case 'multiple_rows':
      return { fault: 'gave several rows' };
    case 'row_too_large':
      return { fault: 'gave a value that is far too long' };
    case 'query_failed':
      return { fault: `failed (SQLSTATE ${answer.code ?? 'unknown'})` };
    case 'timeout':
      throw new MusterError(
        'time_limit',
        `The query of rehearse.version did not answer within ${limitMs / 1000} s: raise limits.check of the source, or find what is slow.`,
      );
    case 'server_lost':
      throw new MusterError(
        'rehearsal_unready',
        'The server of the rehearsal ended while it was asked rehearse.version: see what the query does, and scratch.memory of the source.',
      );
  }
}
