import type { AppJob, AppJobScheduler, AppQueue } from '@bull-board/api/typings/app';
import type { Role } from '@muster/core';
import { type PublicJobKind, publicData, publicReason } from '@muster/queue';

/** What Bull Board answers, cut to what may be seen: it shows whatever lies in Redis, by whomever. */

const NOT_SHOWN = { not_shown: 'This does not have the shape of a job of Muster.' };
const NAMES: ReadonlySet<string> = new Set(['drill', 'take', 'receipt', 'tick', 'unfinished']);
const kindOf = (queueName: string): PublicJobKind => {
  if (queueName === 'receipts' || queueName === 'ticks') return queueName;
  return /^takes(-|$)/.test(queueName) ? 'takes' : 'drills';
};

/** A queue has buttons for whoever may act, and for nobody else. */
export function shownQueue(queue: AppQueue, role: Role): AppQueue {
  const readOnlyMode = queue.readOnlyMode || role !== 'admin';
  return {
    ...queue,
    jobs: queue.jobs.map((job) => shownJob(job, queue.name)),
    readOnlyMode,
    allowRetries: queue.allowRetries && !readOnlyMode,
    allowCompletedRetries: false,
  };
}

export function shownJob(job: AppJob, queueName: string): AppJob {
  const { id, timestamp, processedOn, finishedOn, attempts, attemptsStarted, stalledCounter } = job;
  const { delay, isFailed, failedReason } = job;
  return {
    id,
    name: NAMES.has(job.name) ? job.name : 'not a job of Muster',
    data: publicData(kindOf(queueName), job.data) ?? NOT_SHOWN,
    timestamp,
    processedOn,
    finishedOn,
    attempts,
    ...(attemptsStarted !== undefined && { attemptsStarted }),
    ...(stalledCounter !== undefined && { stalledCounter }),
    delay,
    opts: shownOptions(job.opts),
    isFailed,
    failedReason: isFailed ? publicReason(failedReason ?? '') : '',
    stacktrace: [],
    progress: 0,
    returnValue: null,
  };
}

const OPTIONS: ReadonlySet<string> = new Set(['attempts', 'delay', 'priority']);
const shownOptions = (options: object): Record<string, number> =>
  Object.fromEntries(
    Object.entries(options).filter(([key, value]) => OPTIONS.has(key) && typeof value === 'number'),
  );

export function shownScheduler(scheduler: AppJobScheduler): AppJobScheduler {
  const { id, queueName, pattern, tz, next, nextRunJobId, iterationCount, template } = scheduler;
  return {
    id,
    name: 'tick',
    queueName,
    pattern,
    tz,
    next,
    nextRunJobId,
    iterationCount,
    template: { data: publicData(kindOf(queueName), template?.data) ?? NOT_SHOWN },
  };
}
