import type { Plan } from './plan.js';
import type { Predicate } from './statement.js';

/** {@link provesSource}, for people. */
export const PASS_RULE =
  'A drill counts as a pass of its source if it passed on a server of the kind of its source (not on a stand-in, such as FerretDB), was asked all checks of the source, and was asked for by a schedule or took the newest backup.';

/** Of a statement, what {@link provesSource} looks at. */
type Drilled = Pick<Predicate, 'result' | 'trigger' | 'restore_point'> & {
  readonly environment: Pick<Predicate['environment'], 'substitute'>;
};

/**
 * Whether a drill counts as a pass of its source: `PASS_RULE`. A pass of an older backup, of some checks, or of a stand-in
 * leaves its age as it is.
 */
export function provesSource(
  { result, trigger, restore_point: restorePoint, environment }: Drilled,
  { partial }: Pick<Plan, 'partial'>,
): boolean {
  return (
    result === 'pass' &&
    environment.substitute === undefined &&
    !partial &&
    (trigger.kind === 'schedule' || restorePoint.kind === 'latest')
  );
}

/** Whether the backup of a drill was found good, on a server of its own kind: what retention goes by. */
export const hasPassed = ({ result, environment }: Pick<Drilled, 'result' | 'environment'>): boolean =>
  result === 'pass' && environment.substitute === undefined;
