import { CHECK_REASON_CODES, PHASES, type PhaseName, REASON_CODES } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { openRedis } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

const phase = z.enum(PHASES);
const result = z.enum(['pass', 'fail', 'error']);
const reason = z.enum(REASON_CODES).optional();
const count = z.number().nonnegative();

/**
 * What is told of a drill while it is under way, to whoever watches, as the API writes it (snake_case). As a drill's own
 * events, without anything that came out of a database; and what only a fleet knows.
 */
export const fleetEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('queued'), source: z.string(), pool: z.string() }),
  z.strictObject({ type: z.literal('waiting'), why: z.string() }),
  z.strictObject({ type: z.literal('attempt'), attempt: z.int().positive(), worker: z.string() }),
  z.strictObject({ type: z.literal('phase-started'), phase }),
  z.strictObject({
    type: z.literal('progress'),
    phase,
    what: z.enum(['fetch', 'pull', 'restore', 'examine']),
    bytes: count,
    total_bytes: count.optional(),
  }),
  z.strictObject({
    type: z.literal('located'),
    backup: z.string(),
    size_bytes: count.optional(),
    created_at: z.string().optional(),
    format: z.string().optional(),
    /** The set that was tried before it: the point that was asked for is not behind that one. */
    not_behind: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('launched'),
    isolation: z.string(),
    image: z.string().optional(),
    engine: z.enum(['postgres', 'mongodb']),
    engine_version: z.string(),
    substitute: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.literal('check-started'), id: z.string() }),
  z.strictObject({
    type: z.literal('check-ended'),
    id: z.string(),
    verdict: z.enum(['pass', 'fail', 'error', 'not_run']),
    reason: z.enum(CHECK_REASON_CODES).optional(),
    duration_ms: count.optional(),
  }),
  z.strictObject({
    type: z.literal('phase-ended'),
    phase,
    outcome: z.enum(['done', 'failed', 'cancelled']),
    duration_ms: count,
  }),
  z.strictObject({ type: z.literal('judged'), result, reason }),
  /** This try came to nothing; the next begins in so many ms at the earliest. */
  z.strictObject({ type: z.literal('retry'), reason: z.enum(REASON_CODES), after_ms: count }),
  /** The worker stops and gives the drill back. */
  z.strictObject({ type: z.literal('returned'), worker: z.string() }),
  /** The last one: the receipt lies in the evidence store. */
  z.strictObject({ type: z.literal('stored'), result, reason, key: z.string() }),
]);
export type FleetEvent = z.infer<typeof fleetEventSchema>;

/** A Redis stream a drill, `muster:events:<id>`: the last 1,000 events, for a day. */
export interface DrillEvents {
  /** Best effort: a drill does not fail because nobody could be told. Never throws. */
  publish(drillId: string, event: FleetEvent): Promise<void>;
  /** From after `afterId` (absent = from the first), with the id and time of each; ends when `signal` aborts. */
  follow(drillId: string, afterId: string | undefined, signal: AbortSignal): AsyncIterable<ToldEvent>;
  /** What of the last try had begun and not ended when it was last told of. Best effort, as {@link publish}. */
  underWay(drillId: string): Promise<UnderWay>;
  close(): Promise<void>;
}

/** Since when; each absent where there is none. */
export interface UnderWay {
  readonly phase?: { readonly name: PhaseName; readonly since: Date } | undefined;
  readonly check?: { readonly id: string; readonly since: Date } | undefined;
}

export interface ToldEvent {
  /** Of the stream: what to follow on from. */
  readonly id: string;
  readonly at: Date;
  readonly event: FleetEvent;
}

const KEPT = 1_000;
const DAY_S = 24 * 60 * 60;
/** A drill waits no longer for its watchers. */
const TELLING_MS = 1_000;
const LOOK_MS = 5_000;
const keyOf = (drillId: string): string => `${PREFIX}:events:${drillId}`;

/** Over a connection for commands; each {@link DrillEvents.follow} opens its own to `redisUrl`. */
export function createDrillEvents(redis: Redis, redisUrl: string): DrillEvents {
  return {
    publish: async (drillId, event) => {
      const told = fleetEventSchema.safeParse(event).data;
      if (told === undefined) return;
      const adding = redis
        .multi()
        .xadd(keyOf(drillId), 'MAXLEN', '~', KEPT, '*', 'event', JSON.stringify(told))
        .expire(keyOf(drillId), DAY_S)
        .exec();
      await withinTelling(adding.catch(() => {}));
    },
    follow: (drillId, afterId, signal) => follow(redisUrl, drillId, afterId, signal),
    underWay: async (drillId) => {
      const reading = redis.xrange(keyOf(drillId), '-', '+', 'COUNT', KEPT * 2).catch(() => []);
      const told = ((await withinTelling(reading)) ?? []).flatMap(
        ([id, fields]) => toldEvent(id, fields) ?? [],
      );
      return told.reduce(nextUnderWay, {});
    },
    close: async () => {},
  };
}

/** Undefined where it took too long. */
async function withinTelling<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), TELLING_MS);
  });
  const answer = await Promise.race([work, limit]);
  clearTimeout(timer);
  return answer;
}

function nextUnderWay(before: UnderWay, { at, event }: ToldEvent): UnderWay {
  switch (event.type) {
    case 'attempt':
    case 'phase-ended':
      return {};
    case 'phase-started':
      return { phase: { name: event.phase, since: at } };
    case 'check-started':
      return { ...before, check: { id: event.id, since: at } };
    case 'check-ended':
      return { phase: before.phase };
    default:
      return before;
  }
}

async function* follow(
  redisUrl: string,
  drillId: string,
  afterId: string | undefined,
  signal: AbortSignal,
): AsyncIterable<ToldEvent> {
  const connection = openRedis(redisUrl, 'blocking');
  const onAbort = (): void => connection.disconnect();
  signal.addEventListener('abort', onAbort, { once: true });
  // While Redis is away, to disconnect answers nothing of what waits for it.
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  try {
    let last = afterId ?? '0';
    while (!signal.aborted) {
      const reading = connection
        .xread('BLOCK', LOOK_MS, 'STREAMS', keyOf(drillId), last)
        .catch((error: unknown) => {
          if (signal.aborted) return null;
          throw error;
        });
      const read = await Promise.race([reading, aborted]);
      for (const [id, fields] of read?.[0]?.[1] ?? []) {
        last = id;
        const told = toldEvent(id, fields);
        if (told !== undefined) yield told;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    connection.disconnect();
  }
}

function toldEvent(id: string, fields: readonly string[]): ToldEvent | undefined {
  const event = readJson(fleetEventSchema, fields[1]);
  const at = new Date(Number(id.split('-')[0]));
  return event && !Number.isNaN(at.getTime()) ? { id, at, event } : undefined;
}
