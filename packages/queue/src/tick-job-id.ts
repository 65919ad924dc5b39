import { scheduleKey, type Tick } from './tick.js';

/** The id that BullMQ 6 gives to a job of a Job Scheduler; a test notices when that changes. */
export function tickJobId({ slug, schedule, due }: Tick): string {
  return tickJobIdOf(scheduleKey(slug, schedule), due.getTime());
}

/** The same, of a Job Scheduler's id and a time in ms. */
export const tickJobIdOf = (key: string, dueMs: number): string => `repeat:${key}:${dueMs}`;

/** The due time in the id of a tick's job. */
export function dueOf(jobId: string): Date {
  const millis = /^repeat:[^:]*:(\d+)$/.exec(jobId)?.[1];
  if (millis === undefined)
    throw new Error('the id of a tick holds no due time: BullMQ builds it differently now');
  return new Date(Number(millis));
}
