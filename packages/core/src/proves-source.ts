import type { Plan } from './plan.js';
import type { Predicate } from './statement.js';

/** {@link provesSource}, for people. */
export const PASS_RULE =
  'A drill counts as a pass of its source if it passed, was asked all checks of the source, and was asked for by a schedule or took the newest backup.';

/** Whether a drill counts as a pass of its source: `PASS_RULE`. A pass of an older backup, or of some checks, leaves its age as it is. */
export function provesSource(
  { result, trigger, restore_point: restorePoint }: Pick<Predicate, 'result' | 'trigger' | 'restore_point'>,
  { partial }: Pick<Plan, 'partial'>,
): boolean {
  return result === 'pass' && !partial && (trigger.kind === 'schedule' || restorePoint.kind === 'latest');
}
