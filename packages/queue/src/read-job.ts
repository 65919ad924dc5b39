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

/** The jobs that are in these states, newest first; of each those from `start` to `end`, where -1 is the oldest. */
export async function readJobs(
  queue: Queue,
  types: readonly JobType[],
  { start = 0, end = -1 }: { readonly start?: number | undefined; readonly end?: number | undefined } = {},
): Promise<readonly Job[]> {
  const ids = await queue.getRanges([...types], start, end);
  const jobs = await Promise.all(ids.map((id) => readJob(queue, id)));
  return jobs.flatMap((job) => job ?? []);
}

const isOfAnotherType = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('WRONGTYPE');
