import type { Job, JobType, Queue } from 'bullmq';

/**
 * A job of a queue. Undefined where there is none, and where what Redis has in its place is not to be read: no worker
 * takes such a one, and it must not keep anybody from the others.
 */
export async function readJob(queue: Queue, jobId: string): Promise<Job | undefined> {
  try {
    return await queue.getJob(jobId);
  } catch (error) {
    if (error instanceof SyntaxError || isOfAnotherType(error)) return undefined;
    throw error;
  }
}

/** Of a queue of 100,000 jobs, each is still read in time, and nobody else has to wait for all of them. */
const AT_ONCE = 500;

export interface JobRange {
  /** Of each state; -1 is the oldest. Absent = 0. */
  readonly start?: number | undefined;
  /** Absent = -1. */
  readonly end?: number | undefined;
  /** Counted from the other end: 0 is the oldest, of the delayed that which is due first. */
  readonly oldestFirst?: boolean;
}

/** What is told of the jobs that are in these states, newest first where not said otherwise; of each state those of the range. */
export async function tellJobs<T>(
  queue: Queue,
  types: readonly JobType[],
  { start = 0, end = -1, oldestFirst = false }: JobRange,
  tell: (job: Job) => Promise<T | undefined>,
): Promise<readonly T[]> {
  const ids = await queue.getRanges([...types], start, end, oldestFirst);
  const told: T[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE).map(async (id) => {
      const job = await readJob(queue, id);
      return job && (await tell(job));
    });
    told.push(...(await Promise.all(some)).flatMap((one) => one ?? []));
  }
  return told;
}

/** The jobs themselves. */
export const readJobs = (
  queue: Queue,
  types: readonly JobType[],
  range: JobRange = {},
): Promise<readonly Job[]> => tellJobs(queue, types, range, async (job) => job);

const isOfAnotherType = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('WRONGTYPE');
