import { broken } from './broken.js';
import { type FidelityRecord, MOST_NAMED } from './fidelity.js';
import { lastOutcome } from './last-outcome.js';
import type { Predicate } from './statement.js';
import { failedReason } from './verdict.js';

/** What is said of fidelity follows from what is said to have been compared, and the verdict of the drill from it. */
export function fidelityFaults({ fidelity, result, reason, phases, checks }: Predicate): string[] {
  const different = fidelity?.verdict === 'different';
  const compared = lastOutcome(phases, 'compare');
  return broken([
    [!different || result === 'fail', `what came back is different, and the result is ${result}`],
    [
      (reason === 'fidelity_different') === (different && failedReason(checks) === undefined),
      'the reason fidelity_different and the verdict on fidelity contradict each other',
    ],
    [
      fidelity === undefined || lastOutcome(phases, 'restore') === 'done',
      'fidelity is told, and the backup was not restored',
    ],
    [
      fidelity === undefined || fidelity.verdict === 'unavailable' || compared === 'done',
      'fidelity was compared, and there was no phase of comparing',
    ],
    [compared !== 'done' || fidelity !== undefined, 'it was compared, and no fidelity is told'],
    ...(fidelity === undefined ? [] : recordFaults(fidelity)),
  ]);
}

function recordFaults(fidelity: FidelityRecord): (readonly [boolean, string])[] {
  const {
    verdict,
    level,
    compared,
    reason,
    differences,
    more,
    not_compared: left,
    more_not_compared: moreLeft,
  } = fidelity;
  const judged = verdict !== 'unavailable';
  return [
    [
      judged === (compared !== undefined) && (!judged || level !== undefined),
      'the verdict on fidelity and what was compared contradict each other',
    ],
    [judged === (reason === undefined), 'the verdict on fidelity and its reason contradict each other'],
    [
      (verdict === 'different') === (differences !== undefined && differences.length > 0),
      'the verdict on fidelity and its differences contradict each other',
    ],
    [
      more === undefined || differences?.length === MOST_NAMED,
      'there are more differences, and not all that can be named are',
    ],
    [
      moreLeft === undefined || left?.length === MOST_NAMED,
      'more was not compared, and not all that can be named is',
    ],
    [
      verdict !== 'equal' || Object.values(compared ?? {}).some((count) => Number(count) > 0),
      'fidelity is equal, and nothing was compared',
    ],
    [
      (compared?.contents ?? 0) <= (compared?.tables ?? 0) && (level === 'full' || !compared?.contents),
      'more contents were compared than tables, or than the level has',
    ],
    ...(differences ?? []).map(
      ({ difference, expected, found, what, part }) =>
        [
          difference === 'rows'
            ? what === 'table' && expected !== undefined && found !== undefined && expected !== found
            : expected === undefined && found === undefined && (what === 'object') === (part !== undefined),
          'a difference contradicts itself',
        ] as const,
    ),
  ];
}
