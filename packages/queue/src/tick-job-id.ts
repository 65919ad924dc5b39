import { scheduleKey, type Tick } from './tick.js';

/** The id that BullMQ 6 gives to a job of a Job Scheduler; a test notices when that changes. */
export function tickJobId({ slug, schedule, due }: Tick): string {
  return tickJobIdOf(scheduleKey(slug, schedule), due.getTime());
}

/** The same, of a Job Scheduler's id and a time in ms. */
export const tickJobIdOf = (key: string, dueMs: number): string => `repeat:${key}:${dueMs}`;

/** The tick that a job's id tells; undefined where it is that of no Job Scheduler of Muster. */
export function tickOf(jobId: string): Tick | undefined {
  const [, slug, schedule, millis] = /^repeat:([^/:]+)\/([^/:]+):(\d{1,15})$/.exec(jobId) ?? [];
  if (slug === undefined || schedule === undefined) return undefined;
  return { slug, schedule, due: new Date(Number(millis)) };
}
