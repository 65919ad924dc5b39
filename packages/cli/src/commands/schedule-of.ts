import { MusterError, type Schedule, type Source } from '@muster/core';

/** The schedule of that name. @throws `usage`. */
export function scheduleOf({ slug, schedules }: Source, name: string): Schedule {
  const found = schedules.find((schedule) => schedule.name === name);
  if (found !== undefined) return found;
  const names = schedules.map((schedule) => schedule.name).join(', ');
  throw new MusterError(
    'usage',
    `The source "${slug}" has no schedule "${name}": it has ${names || 'none'}.`,
  );
}
