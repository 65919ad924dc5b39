import { type ConfigFault, isMusterError, MusterError, USAGE_CODES } from '@muster/core';

/** Exit codes of every command but `verify`. */
export const EXIT = { pass: 0, fail: 1, error: 2, usage: 64 } as const;

/** A configuration that cannot be used: every fault of the file at once. */
export class ConfigFaults extends MusterError {
  readonly file: string;
  readonly text: string;
  readonly faults: readonly ConfigFault[];

  constructor(file: string, text: string, faults: readonly ConfigFault[]) {
    super(
      'config_invalid',
      `${file} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}; correct ${faults.length === 1 ? 'it' : 'them'} and try again.`,
    );
    this.file = file;
    this.text = text;
    this.faults = faults;
  }
}

/** What `--json` prints for a command that ended in an error: problem details in the sense of RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly faults?: readonly (ConfigFault & { readonly file: string })[];
}

export function problemOf(error: MusterError): Problem {
  return {
    type: `urn:muster:problem:${error.code}`,
    code: error.code,
    title: error.code.replaceAll('_', ' '),
    detail: error.message,
    ...(error instanceof ConfigFaults
      ? { faults: error.faults.map((fault) => ({ file: error.file, ...fault })) }
      : {}),
  };
}

export const exitCodeOf = (error: MusterError): number =>
  USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.error;

/** Anything thrown, as an error that may be shown: what nobody foresaw says so, and keeps its cause. */
export function asMusterError(thrown: unknown): MusterError {
  if (isMusterError(thrown)) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError')
    return new MusterError('cancelled', 'It was cancelled.', { cause: thrown });
  return new MusterError('internal', 'Muster itself failed. Please report it with its diagnosis.', {
    cause: thrown,
  });
}
