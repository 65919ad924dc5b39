import type { Check, CheckRole } from './check.js';
import type { Schedule, Source } from './config/config.js';

/** Every check that a source may be asked: its own, and those that only a schedule names. */
export const checksOf = ({ checks, schedules }: Source): readonly Check[] => [
  ...new Map(
    [...checks, ...schedules.flatMap(({ present, absent }) => [...present, ...absent])].map((check) => [
      check.id,
      check,
    ]),
  ).values(),
];

/** A source as one of its schedules asks it: its own checks, and then what must be there, and what must not be yet. */
export function scheduledSource(source: Source, { present, absent }: Schedule): Source {
  const named = new Map<string, Check>([
    ...present.map((check) => [check.id, { ...check, role: 'present' }] as const),
    ...absent.map((check) => [check.id, { ...check, role: 'absent' }] as const),
  ]);
  const own = source.checks.map((check) => named.get(check.id) ?? check);
  const more = [...named.values()].filter(({ id }) => !source.checks.some((check) => check.id === id));
  return { ...source, checks: [...own, ...more] };
}

/** The checks that a plan names, as it names them; undefined where the source has not all of them. */
export function plannedChecks(
  source: Source,
  planned: readonly { readonly id: string; readonly role?: CheckRole | undefined }[],
): readonly Check[] | undefined {
  const known = new Map(checksOf(source).map((check) => [check.id, check]));
  const checks = planned.flatMap(({ id, role }) => {
    const check = known.get(id);
    return check === undefined ? [] : [{ ...check, ...(role && { role }) }];
  });
  return checks.length === planned.length ? checks : undefined;
}
