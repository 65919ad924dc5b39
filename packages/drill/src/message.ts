import type { CheckRecord, Predicate } from '@muster/core';
import { differenceMessage } from './compare.js';
import { missedMessage } from './missed-message.js';
import type { Seen } from './seen.js';

/** What happened and what to do now; undefined of a pass. */
export function messageOf({ fault }: Seen, predicate: Predicate): string | undefined {
  if (predicate.reason === 'fidelity_different' && predicate.fidelity)
    return differenceMessage(predicate.fidelity);
  const missed = predicate.reason === 'rpo_missed' || predicate.reason === 'rto_missed';
  return fault?.message ?? (missed ? missedMessage(predicate) : checksMessage(predicate.checks));
}

/** A verdict names so many checks; the table has them all. */
const NAMED_CHECKS = 10;

/** Which checks did not pass, and why. */
function checksMessage(checks: readonly CheckRecord[]): string | undefined {
  const others = checks.filter((check) => check.verdict !== 'pass');
  if (others.length === 0) return undefined;
  const named = others
    .slice(0, NAMED_CHECKS)
    .map(({ id, verdict, reason }) => `${id} (${reason ?? verdict})`);
  const more = others.length - named.length;
  return `${others.length} of ${checks.length} checks did not pass: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}
