import { CHECK_REASON_CODES, PHASES, REASON_CODES } from '@muster/core';
import { z } from 'zod';

const phase = z.enum(PHASES);
const result = z.enum(['pass', 'fail', 'error']);
const reason = z.enum(REASON_CODES).optional();
const count = z.number().nonnegative();

/**
 * What is told of a drill while it is under way, to whoever watches. As a drill's own events, without anything that
 * came out of a database; and what only a fleet knows.
 */
export const fleetEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('queued'), source: z.string(), pool: z.string() }),
  z.strictObject({ type: z.literal('waiting'), why: z.string() }),
  z.strictObject({ type: z.literal('attempt'), attempt: z.int().positive(), worker: z.string() }),
  z.strictObject({ type: z.literal('phase-started'), phase }),
  z.strictObject({
    type: z.literal('progress'),
    phase,
    what: z.enum(['pull', 'restore', 'examine']),
    bytes: count,
    totalBytes: count.optional(),
  }),
  z.strictObject({
    type: z.literal('located'),
    backup: z.string(),
    sizeBytes: count.optional(),
    createdAt: z.string().optional(),
    format: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('launched'),
    isolation: z.string(),
    image: z.string().optional(),
    engineVersion: z.string(),
  }),
  z.strictObject({ type: z.literal('check-started'), id: z.string() }),
  z.strictObject({
    type: z.literal('check-ended'),
    id: z.string(),
    verdict: z.enum(['pass', 'fail', 'error', 'not_run']),
    reason: z.enum(CHECK_REASON_CODES).optional(),
    durationMs: count.optional(),
  }),
  z.strictObject({
    type: z.literal('phase-ended'),
    phase,
    outcome: z.enum(['done', 'failed', 'cancelled']),
    durationMs: count,
  }),
  z.strictObject({ type: z.literal('judged'), result, reason }),
  /** This try came to nothing; the next begins in so many ms at the earliest. */
  z.strictObject({ type: z.literal('retry'), reason: z.enum(REASON_CODES), afterMs: count }),
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
  close(): Promise<void>;
}

export interface ToldEvent {
  /** Of the stream: what to follow on from. */
  readonly id: string;
  readonly at: Date;
  readonly event: FleetEvent;
}
