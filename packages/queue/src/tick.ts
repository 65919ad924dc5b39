/** One due time of a schedule. */
export interface Tick {
  readonly slug: string;
  readonly schedule: string;
  readonly due: Date;
}

/** How a schedule of takes is called among all schedules of its source: those of drills have no dot in their names. */
const TAKES = 'take.';
export const takeScheduleName = (schedule: string): string => `${TAKES}${schedule}`;
/** What {@link takeScheduleName} was made of; undefined for a schedule of drills. */
export const takeScheduleOf = (name: string): string | undefined =>
  name.startsWith(TAKES) ? name.slice(TAKES.length) : undefined;

/** How a schedule is named in keys: slug and name have no slash in them. */
export const scheduleKey = (slug: string, schedule: string): string => `${slug}/${schedule}`;
