/** What a drill, or one check, came to. */
export type Verdict = 'pass' | 'fail' | 'error';

/** `not_run`: the drill ended before it; never counted as a pass (law 4). */
export type CheckVerdict = Verdict | 'not_run';

/**
 * The roll-up of the checks of one drill (checks.md): any `fail` wins, then any `error` or `not_run`, else `pass`.
 * An empty list is a pass: only a source that says `restore_only: true` has no checks.
 */
export function rollUp(verdicts: readonly CheckVerdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  if (verdicts.some((verdict) => verdict !== 'pass')) return 'error';
  return 'pass';
}
