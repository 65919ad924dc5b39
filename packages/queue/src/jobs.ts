import { attemptSchema, DRILL_ID, knownTakeSchema, planSchema, UNFINISHED_REASONS } from '@muster/core';
import { z } from 'zod';

/** What a job of each queue carries: parsed where it is made and where it is taken. References and digests, and of receipts what they are. */

/**
 * W3C Trace Context: whose trace what becomes of the job belongs to. It never refuses a job: one that is malformed is left
 * out here, and one that is not valid is ignored by whoever reads it.
 */
const traceparent = z.string().max(128).optional().catch(undefined);

/** Queue `ticks`: a schedule, of drills or of takes, is due, for people to read. Which and when, is in the job's id. */
export const tickJobSchema = z.strictObject({ source: z.string(), schedule: z.string() });

/** Queues `drills`, `drills-<pool>`: the plan, as it lies in the evidence store. The job's id is the drill's. */
export const drillJobSchema = z.strictObject({ plan: planSchema, traceparent });

/** Queues `takes`, `takes-<pool>`: which backup of which source is to be taken. The job's id is the take's. */
export const takeJobSchema = z.strictObject({
  ...knownTakeSchema.pick({ id: true, trigger: true, pool: true, type: true }).shape,
  source: z.string(),
  kind: planSchema.shape.source.shape.kind,
  config_sha256: planSchema.shape.config_sha256,
  traceparent,
});
export type TakeJob = z.infer<typeof takeJobSchema>;

/** Queue `receipts`. */
export const receiptJobSchema = z.discriminatedUnion('type', [
  /** A worker's receipt: the exact bytes of the bundle, which are JSON, as text. */
  z.strictObject({
    type: z.literal('receipt'),
    drill_id: z.string().regex(DRILL_ID),
    source: z.string(),
    attempt: z.int().positive(),
    bundle: z.string(),
    /** Of a random choice: the listing that it was drawn from, whose digest the receipt names. */
    listing: z.string().optional(),
    traceparent,
  }),
  /** A drill that no worker can write a receipt for: the sink signs one. */
  z.strictObject({
    type: z.literal('unfinished'),
    plan: planSchema,
    reason: z.enum(UNFINISHED_REASONS),
    attempts: z.array(attemptSchema),
    traceparent,
  }),
]);
export type ReceiptJob = z.infer<typeof receiptJobSchema>;
