/** One due time of a schedule. */
export interface Tick {
  readonly slug: string;
  readonly schedule: string;
  readonly due: Date;
}

/** How a schedule is named in keys: slug and name have no slash in them. */
export const scheduleKey = (slug: string, schedule: string): string => `${slug}/${schedule}`;
