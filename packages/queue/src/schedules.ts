import type { Schedule } from '@muster/core';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { tickJobSchema } from './jobs.js';
import { PREFIX, TICKS } from './names.js';
import { readJob } from './read-job.js';
import { UNTIL_DONE } from './retry-delay.js';
import { scheduleKey, type Tick } from './tick.js';
import { tickJobId, tickJobIdOf } from './tick-job-id.js';

/** A schedule of a source, of drills or of takes: those are named by `takeScheduleName`. */
export interface ScheduleEntry {
  readonly slug: string;
  readonly schedule: Pick<Schedule, 'name' | 'cron' | 'tz'>;
}

export interface Synced {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
}

export interface Accounted {
  readonly slug: string;
  readonly schedule: string;
  readonly until: Date;
}

/** Job Schedulers of the queue `ticks`, one per source and schedule. @throws `redis_unavailable`. */
export interface Schedules {
  /**
   * Adds what is new, changes only what changed, removes what is gone. BullMQ deletes a tick that is due and not yet taken
   * when its scheduler is changed or removed: settle what is due first. One whose tick got lost is set up anew.
   */
  sync(entries: readonly ScheduleEntry[]): Promise<Synced>;
  /** True if `ticks` still holds the tick of this due time, in whatever state: it will be handled. */
  holds(tick: Tick): Promise<boolean>;
  /**
   * Up to when every due time of a schedule has a plan. Undefined for one that is new, or after Redis was wiped.
   * `muster:accounted`, a hash.
   */
  accounted(): Promise<ReadonlyMap<string, Date>>;
  /** Whoever is late with it moves nothing back, and leaves nothing of a schedule that is gone. */
  account(entries: readonly Accounted[]): Promise<void>;
  /** The same for schedules that {@link sync} will add: what was due before is none of theirs. */
  begin(entries: readonly Accounted[]): Promise<void>;
  close(): Promise<void>;
}

/** What each Job Scheduler was made of: compared, so that only what changed is touched. */
const SIGNATURES = `${PREFIX}:schedules`;
const ACCOUNTED = `${PREFIX}:accounted`;
/** Where BullMQ keeps the ids of its Job Schedulers. */
const SCHEDULERS = `${PREFIX}:${TICKS}:repeat`;
const AT_ONCE = 100;
/** A Job Scheduler makes its next tick when the one before is taken; so late, that one may be gone. */
const OVERDUE_MS = 60_000;

/** Over a connection for commands, which the caller closes after this. */
export function createSchedules(redis: Redis): Schedules {
  const queue = new Queue(TICKS, { connection: redis, prefix: PREFIX });
  queue.on('error', () => {});
  return {
    sync: (entries) => orUnavailable(sync(redis, queue, entries), 'setting up schedules'),
    holds: (tick) =>
      orUnavailable(
        readJob(queue, tickJobId(tick)).then((job) => job !== undefined),
        'looking for a tick',
      ),
    accounted: () =>
      orUnavailable(
        redis
          .hgetall(ACCOUNTED)
          .then((all) => new Map(Object.entries(all).flatMap(([key, at]) => timeAt(key, at)))),
        'reading what schedules are accounted for',
      ),
    account: (entries) => orUnavailable(advance(redis, entries, 'known'), 'accounting for schedules'),
    begin: (entries) => orUnavailable(advance(redis, entries, 'any'), 'accounting for new schedules'),
    close: () => queue.close(),
  };
}

async function sync(redis: Redis, queue: Queue, entries: readonly ScheduleEntry[]): Promise<Synced> {
  const [signatures, nexts] = await Promise.all([
    redis.hgetall(SIGNATURES),
    redis.zrange(SCHEDULERS, '0', '-1', 'WITHSCORES').then(pairs),
  ]);
  const ids = nexts.map(([key]) => key);
  const there = new Set(ids);
  const overdue = nexts.filter(([, next]) => next < Date.now() - OVERDUE_MS);
  await inBatches(overdue, async ([key, next]) => {
    if ((await readJob(queue, tickJobIdOf(key, next))) === undefined) there.delete(key);
  });
  const wanted = new Map(entries.map((entry) => [scheduleKey(entry.slug, entry.schedule.name), entry]));
  const stale = [...wanted].filter(
    ([key, entry]) => signatures[key] !== signatureOf(entry.schedule) || !there.has(key),
  );
  const gone = [...new Set([...Object.keys(signatures), ...ids])].filter((key) => !wanted.has(key));
  await inBatches(stale, ([key, entry]) => upsert(redis, queue, key, entry));
  await inBatches(gone, async (key) => {
    await queue.removeJobScheduler(key);
    await redis.multi().hdel(SIGNATURES, key).hdel(ACCOUNTED, key).exec();
  });
  const added = stale.filter(([key]) => signatures[key] === undefined).length;
  return {
    added,
    changed: stale.length - added,
    removed: gone.length,
    unchanged: wanted.size - stale.length,
  };
}

async function upsert(
  redis: Redis,
  queue: Queue,
  key: string,
  { slug, schedule }: ScheduleEntry,
): Promise<void> {
  const data = tickJobSchema.parse({ source: slug, schedule: schedule.name });
  await queue.upsertJobScheduler(
    key,
    { pattern: schedule.cron, tz: schedule.tz },
    { name: 'tick', data, opts: { ...UNTIL_DONE, telemetry: { omitContext: true } } },
  );
  await redis.hset(SIGNATURES, key, signatureOf(schedule));
}

/** None where it is no time: such a schedule is as one that Redis knows nothing of. */
function timeAt(key: string, text: string): [string, Date][] {
  const time = new Date(/^\d+$/.test(text) ? Number(text) : Number.NaN);
  return Number.isNaN(time.getTime()) ? [] : [[key, time]];
}

const signatureOf = ({ cron, tz }: ScheduleEntry['schedule']): string => `${cron} ${tz}`;

/** Members of a sorted set, with their scores. */
const pairs = (flat: readonly string[]): readonly (readonly [string, number])[] =>
  flat.flatMap((member, index) => (index % 2 === 0 ? [[member, Number(flat[index + 1])] as const] : []));

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    await Promise.all(items.slice(from, from + AT_ONCE).map(work));
  }
}

/** Sets each field (of a schedule that is there, or of any), unless what it says is later. */
const ADVANCE = `
for i = 2, #ARGV, 2 do
  local known = ARGV[1] == 'any' or redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1
  local old = tonumber(redis.call('HGET', KEYS[1], ARGV[i]))
  if known and (old == nil or old < tonumber(ARGV[i + 1])) then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end`;
const ADVANCED_AT_ONCE = 1_000;

async function advance(redis: Redis, entries: readonly Accounted[], which: 'known' | 'any'): Promise<void> {
  for (let from = 0; from < entries.length; from += ADVANCED_AT_ONCE) {
    const fields = entries
      .slice(from, from + ADVANCED_AT_ONCE)
      .flatMap(({ slug, schedule, until }) => [scheduleKey(slug, schedule), String(until.getTime())]);
    await redis.eval(ADVANCE, 2, ACCOUNTED, SIGNATURES, which, ...fields);
  }
}
