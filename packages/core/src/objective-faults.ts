import { broken } from './broken.js';
import { lastOutcome } from './last-outcome.js';
import { judgeObjectives, missedObjective } from './objectives.js';
import type { Predicate } from './statement.js';

/** What was measured is in the receipt too: the verdicts on the objectives follow from it. */
export function objectiveFaults(predicate: Predicate): string[] {
  const { result, reason, objectives, newest_backup: newest, backup, phases } = predicate;
  const missed = missedObjective(objectives);
  const judged = objectives && judgeObjectives(objectives, predicate);
  const kept = backup?.created_at_from !== 'dump';
  return broken([
    [
      objectives?.rpo_met === judged?.rpo_met && objectives?.rto_met === judged?.rto_met,
      'the verdict on an objective is not that of what was measured',
    ],
    [
      objectives?.rpo_s === undefined || result !== 'pass' || !kept || newest !== undefined,
      'the result is pass, and the rpo was not measured',
    ],
    [
      result !== 'pass' || missed === undefined,
      'the result is pass, and an objective that is enforced was missed',
    ],
    [
      (reason !== 'rpo_missed' && reason !== 'rto_missed') || reason === missed,
      `the reason is ${reason}, and that objective was met, not measured or not enforced`,
    ],
    [
      newest === undefined || lastOutcome(phases, 'locate') !== undefined,
      'there is a newest backup, and nobody looked for one',
    ],
    [
      newest === undefined || backup?.created_at === undefined || newest.created_at >= backup.created_at,
      'the newest backup is older than the one that was drilled',
    ],
  ]);
}
