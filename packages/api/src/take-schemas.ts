import { type KnownTake, knownTakeSchema, type Source, TAKE_FINDINGS, TAKE_ID } from '@muster/core';
import { z } from 'zod';
import { slug, time } from './schemas.js';

/** What requests and answers about takes hold. */

const takeId = z
  .string()
  .regex(TAKE_ID, 'expected the id of a take: tak_ and 26 characters')
  .describe('tak_ and a ULID.');
export const takeParams = z.object({ id: takeId });

const setType = z.enum(['full', 'diff', 'incr']);

export const askTakeSchema = z.strictObject({
  source: slug,
  type: setType.optional().describe('Of pgBackRest; absent: take.type of the source.'),
  pool: slug.optional().describe('Another pool than take.pool: of a source, or of a worker that lives.'),
});

export const askedTakeSchema = z.strictObject({
  id: takeId,
  trace_id: z.string().optional().describe('Of its trace, where the fleet is traced.'),
  warning: z.string().optional().describe('No worker serves its pool now.'),
});

export const takeSchema = knownTakeSchema.extend({
  source: z.string(),
  state: knownTakeSchema.shape.state.describe('waiting: for the take before it, or for its next try.'),
  tries: knownTakeSchema.shape.tries.describe('Those that were begun and not given back.'),
  due_at: time.describe('When it was due, or asked for.'),
  started_at: time.optional().describe('Of the first try.'),
  reason: z.string().optional().describe('Why it came to no backup, or is tried again: a code.'),
  backup: z.string().optional().describe('The id of the backup that was taken.'),
});

/** As it is shown. */
export const shownTake = (source: string, take: KnownTake): z.infer<typeof takeSchema> => ({
  ...take,
  source,
});

export const sourceTakesSchema = z
  .strictObject({
    pool: z.string(),
    overrun: z.enum(['skip', 'wait']),
    schedules: z.array(
      z.strictObject({
        name: z.string(),
        cron: z.string(),
        tz: z.string(),
        type: setType.optional().describe('Of pgBackRest.'),
        next: time.optional().describe('When it is due next.'),
      }),
    ),
    last_taken: time
      .optional()
      .describe('When the newest of the takes below that came to a backup was over.'),
    last: z.array(takeSchema).describe('The newest 20 takes, those under way too, newest first.'),
    findings: z
      .array(
        z.strictObject({
          code: z.enum(TAKE_FINDINGS),
          schedule: z.string().optional(),
          message: z.string(),
        }),
      )
      .describe('What is wrong with how its backups are taken.'),
  })
  .describe('Where Muster takes its backups.');
export type SourceTakes = z.infer<typeof sourceTakesSchema>;

export const isOfSets = ({ backup }: Pick<Source, 'backup'>): boolean => backup.type === 'pgbackrest';
