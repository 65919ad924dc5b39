import { type Attempt, attemptSchema, type Reason } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';
import { type Subscription, subscribe } from './subscription.js';

/**
 * What is known of a drill while it is under way: one hash a drill, `muster:drill:<id>`, which lives for 7 days after
 * the last change. Each try has a field of its own, so that a worker that wakes up late overwrites nobody's.
 */
export interface DrillStates {
  beginAttempt(
    drillId: string,
    attempt: number,
    begun: { readonly worker: string; readonly at: Date },
  ): Promise<void>;
  endAttempt(
    drillId: string,
    attempt: number,
    ended: { readonly at: Date; readonly outcome: 'error' | 'returned'; readonly reason?: Reason },
  ): Promise<void>;
  /** In order; one that never ended is `lost`. */
  attempts(drillId: string): Promise<readonly Attempt[]>;

  /** Durable: whoever takes the drill later sees it. Also tells the worker that has it now. */
  requestCancel(drillId: string, by: string): Promise<void>;
  cancelRequested(drillId: string): Promise<boolean>;
  /** Calls back for each drill that somebody asks to cancel, from now on; resolves when it listens. */
  onCancel(listener: (drillId: string) => void): Promise<Subscription>;

  /** Why it does not start, since when; cleared by {@link beginAttempt}. @returns since when it waits for that, or for a host. */
  waitsFor(drillId: string, why: WaitReason, now: Date): Promise<Date>;
  waiting(drillId: string): Promise<{ readonly why: WaitReason; readonly since: Date } | undefined>;

  /** The receipt is stored: what is left may go (after an hour, for those who look). */
  settle(drillId: string): Promise<void>;
}

const waitReasonSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('room'), short: z.enum(['memory', 'disk', 'pids']), host: z.string() }),
  z.strictObject({ type: z.literal('isolation'), host: z.string() }),
  z.strictObject({ type: z.literal('key'), host: z.string() }),
  z.strictObject({ type: z.literal('lease'), lease: z.string() }),
  z.strictObject({ type: z.literal('config') }),
]);
/** What keeps a drill from starting: `room` on a host, `isolation` (what the host isolates scratches by does not answer), `key` (the worker there has none to sign with), a `lease` that another has, its configuration. */
export type WaitReason = z.infer<typeof waitReasonSchema>;

const DAYS_7_S = 7 * 24 * 60 * 60;
const HOUR_S = 60 * 60;
const CANCELS = `${PREFIX}:cancel`;
const keyOf = (drillId: string): string => `${PREFIX}:drill:${drillId}`;
/** Half of an {@link Attempt}, which is parsed as a whole. */
const partSchema = z.record(z.string(), z.unknown());
const waitingSchema = z.strictObject({ why: waitReasonSchema, since: z.iso.datetime() });

/** Fields of the hash; `begun:<n>` and `ended:<n>` are each written once by the worker of that try. */
const FIELD = { cancel: 'cancel', waiting: 'waiting', begun: 'begun:', ended: 'ended:' } as const;

/** Over a connection for commands; {@link DrillStates.onCancel} opens its own to `redisUrl`. */
export function createDrillStates(redis: Redis, redisUrl: string): DrillStates {
  const write = async (drillId: string, fields: Readonly<Record<string, string>>): Promise<void> => {
    await redis.multi().hset(keyOf(drillId), fields).expire(keyOf(drillId), DAYS_7_S).exec();
  };
  const waiting = async (drillId: string): ReturnType<DrillStates['waiting']> => {
    const parsed = readJson(waitingSchema, await redis.hget(keyOf(drillId), FIELD.waiting));
    return parsed && { why: parsed.why, since: new Date(parsed.since) };
  };
  const states: DrillStates = {
    beginAttempt: async (drillId, attempt, { worker, at }) => {
      const begun = { worker, started_at: at.toISOString() };
      await redis.hdel(keyOf(drillId), FIELD.waiting);
      await write(drillId, { [`${FIELD.begun}${attempt}`]: JSON.stringify(begun) });
    },
    endAttempt: async (drillId, attempt, { at, outcome, reason }) => {
      const ended = { ended_at: at.toISOString(), outcome, ...(reason && { reason }) };
      await write(drillId, { [`${FIELD.ended}${attempt}`]: JSON.stringify(ended) });
    },
    attempts: async (drillId) => attemptsOf(await redis.hgetall(keyOf(drillId))),
    requestCancel: async (drillId, by) => {
      await write(drillId, { [FIELD.cancel]: by });
      await redis.publish(CANCELS, drillId);
    },
    cancelRequested: async (drillId) => (await redis.hexists(keyOf(drillId), FIELD.cancel)) === 1,
    onCancel: (listener) => subscribe(redisUrl, CANCELS, listener),
    waitsFor: async (drillId, why, now) => {
      const before = await waiting(drillId);
      const since = before !== undefined && isSameWait(before.why, why) ? before.since : now;
      await write(drillId, { [FIELD.waiting]: JSON.stringify({ why, since: since.toISOString() }) });
      return since;
    },
    waiting,
    settle: async (drillId) => {
      await redis.expire(keyOf(drillId), HOUR_S);
    },
  };
  return bounded(states);
}

/** Hosts of a pool look in turn: where one has no room and the next cannot isolate, the drill waits for a host all the while. */
const FOR_A_HOST: ReadonlySet<WaitReason['type']> = new Set<WaitReason['type']>(['room', 'isolation', 'key']);
const isSameWait = (one: WaitReason, other: WaitReason): boolean =>
  one.type === other.type || (FOR_A_HOST.has(one.type) && FOR_A_HOST.has(other.type));

/** Every method that asks Redis, with its fault told as one. */
function bounded(states: DrillStates): DrillStates {
  const told =
    <A extends readonly unknown[], T>(doing: string, work: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      orUnavailable(work(...args), doing);
  return {
    beginAttempt: told('noting a try', states.beginAttempt),
    endAttempt: told('noting the end of a try', states.endAttempt),
    attempts: told('reading the tries of a drill', states.attempts),
    requestCancel: told('asking to cancel', states.requestCancel),
    cancelRequested: told('looking for a wish to cancel', states.cancelRequested),
    onCancel: states.onCancel,
    waitsFor: told('noting why a drill waits', states.waitsFor),
    waiting: told('reading why a drill waits', states.waiting),
    settle: told('settling a drill', states.settle),
  };
}

function attemptsOf(fields: Readonly<Record<string, string>>): readonly Attempt[] {
  return Object.keys(fields)
    .filter((field) => field.startsWith(FIELD.begun))
    .map((field) => Number(field.slice(FIELD.begun.length)))
    .sort((a, b) => a - b)
    .flatMap((attempt) => {
      const begun = readJson(partSchema, fields[`${FIELD.begun}${attempt}`]);
      const ended = readJson(partSchema, fields[`${FIELD.ended}${attempt}`]) ?? { outcome: 'lost' };
      return attemptSchema.safeParse({ ...begun, ...ended }).data ?? [];
    });
}
