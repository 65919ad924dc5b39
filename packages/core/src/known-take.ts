import { z } from 'zod';
import { TAKE_ID } from './backup-record.js';

/** Why a take was left out: the one before it runs still, or has not even begun. */
export type SkipReason = 'take_overrun' | 'take_waiting';

const timestamp = z.iso.datetime({ precision: 3, offset: false });

/** What a fleet knows of one taking of a backup: references and codes, for whoever may see the fleet. */
export const knownTakeSchema = z.strictObject({
  id: z.string().regex(TAKE_ID),
  trigger: z.strictObject({
    kind: z.enum(['schedule', 'api', 'cli']),
    schedule: z.string().optional(),
    scheduled_for: timestamp.optional(),
    requested_by: z.string().optional(),
  }),
  pool: z.string(),
  /** Of pgBackRest. */
  type: z.enum(['full', 'diff', 'incr']).optional(),
  /** When it was due, or asked for: the time of its id. */
  due_at: timestamp,
  asked_at: timestamp,
  /** `waiting`: for the take before it, or for its next try. */
  state: z.enum(['queued', 'waiting', 'running', 'ended']),
  /** That were begun and not given back. */
  tries: z.int().nonnegative(),
  /** Of the last try. */
  worker: z.string().optional(),
  /** Since when the take before it kept it waiting. */
  waits_since: timestamp.optional(),
  /** Of the first try. */
  started_at: timestamp.optional(),
  ended_at: timestamp.optional(),
  outcome: z.enum(['taken', 'failed', 'skipped']).optional(),
  /** Why it did not come to a backup, or why it is tried again: a code. */
  reason: z.string().max(64).optional(),
  backup: z.string().max(300).optional(),
  bytes: z.int().nonnegative().optional(),
});
export type KnownTake = z.infer<typeof knownTakeSchema>;
