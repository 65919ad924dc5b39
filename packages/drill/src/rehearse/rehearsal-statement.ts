import {
  isEvidence,
  type MusterError,
  type Predicate,
  REHEARSAL_TYPE,
  type RehearsalPredicate,
  type RehearsalStatement,
  type Source,
  STATEMENT_TYPE,
  sha256,
} from '@muster/core';
import type { RehearsalRequest } from './rehearse-ports.js';

/** What a rehearsal has seen so far. */
export interface Seen {
  standIn?: NonNullable<RehearsalPredicate['stand_in']>;
  restored?: Predicate;
  encrypted: boolean;
  comparisons: RehearsalPredicate['comparisons'];
  fault?: MusterError;
}

function resultOf({ fault, comparisons, restored }: Seen): Pick<RehearsalPredicate, 'result' | 'reason'> {
  if (fault !== undefined) return { result: isEvidence(fault) ? 'fail' : 'error', reason: fault.code };
  return comparisons.every(({ equal }) => equal) && restored?.result === 'pass'
    ? { result: 'pass' }
    : { result: 'fail', reason: 'fidelity_different' };
}

/** What happened and what to do now; undefined where nothing did. */
export function messageOf({ fault, comparisons, restored }: Seen): string | undefined {
  if (fault !== undefined) return fault.message;
  const names = comparisons.filter(({ equal }) => !equal).map(({ what, name }) => `${WORDS[what]} ${name}`);
  if (names.length === 0 && restored?.result !== 'pass') names.push('the record of its database');
  if (names.length === 0) return undefined;
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `What came back is not what was there: ${names.slice(0, 5).join(', ')}${more}. Do not rely on these backups; compare the tools and rights of take with those that restore.`;
}

const WORDS = { schema_version: 'schema', row_count: 'rows of', sentinel: 'sentinel in' } as const;

/** What is signed of a rehearsal. */
export function rehearsalStatement(
  { source, rehearsalId }: RehearsalRequest,
  seen: Seen,
  phases: RehearsalPredicate['phases'],
  { startedAt, endedAt, musterVersion }: { startedAt: Date; endedAt: Date; musterVersion: string },
): RehearsalStatement {
  const { result, reason } = resultOf(seen);
  const { backup, fidelity } = seen.restored ?? {};
  const named = backup?.sha256 !== undefined && backup.size_bytes !== undefined ? backup : undefined;
  return {
    _type: STATEMENT_TYPE,
    subject: [
      named === undefined
        ? { name: rehearsalId, digest: { sha256: sha256(rehearsalId).slice('sha256:'.length) } }
        : { name: named.id, digest: { sha256: (named.sha256 ?? '').slice('sha256:'.length) } },
    ],
    predicateType: REHEARSAL_TYPE,
    predicate: {
      rehearsal_id: rehearsalId,
      source: { slug: source.slug, kind: source.kind },
      started_at: startedAt.toISOString(),
      ended_at: new Date(Math.max(startedAt.getTime(), endedAt.getTime())).toISOString(),
      result,
      ...(reason !== undefined && { reason }),
      restore_success: result === 'pass',
      ...(seen.standIn && { stand_in: seen.standIn }),
      ...(named && {
        backup: {
          id: named.id,
          sha256: named.sha256 ?? '',
          size_bytes: named.size_bytes ?? 0,
          format: named.format ?? '',
          encrypted: seen.encrypted,
        },
      }),
      comparisons: seen.comparisons.map((one) => shownOf(one, source)),
      ...(fidelity && { fidelity }),
      phases,
      muster: { version: musterVersion },
    },
  };
}

/** A value of the owner's own is in a receipt only if its owner lets it. */
function shownOf(
  comparison: RehearsalPredicate['comparisons'][number],
  { summaries }: Source,
): RehearsalPredicate['comparisons'][number] {
  if (summaries === 'full' || comparison.what !== 'schema_version') return comparison;
  const { what, name, equal } = comparison;
  return { what, name, equal };
}
