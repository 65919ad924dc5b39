import { z } from 'zod';
import type { Source } from './config/config.js';
import { REASON_CODES, REASONS } from './reason.js';
import { predicateSchema } from './statement.js';
import { wellFormed } from './well-formed.js';

const text = wellFormed.min(1);
const told = wellFormed.max(64);
const count = z.int().nonnegative();
const seconds = z.number().nonnegative();
const timestamp = z.iso.datetime({ precision: 3, offset: false });
const reason = z.enum(REASON_CODES);
const { backup, newest_backup, objectives, restore_point } = predicateSchema.shape;

const needsSchema = z.strictObject({
  cpus: z.number().positive(),
  memory_bytes: count,
  disk_bytes: count,
  pids: count,
});

const roomSchema = z.strictObject({
  memory_bytes: z.number().optional(),
  memory_free_bytes: z.number().optional(),
  disk_free_bytes: z.number().optional(),
  pids: z.number().optional(),
});

/** What of a drill cannot be known before it runs, and who would know. */
const unknownSchema = z.strictObject({
  what: z.enum(['backup', 'version', 'image', 'extensions', 'size', 'room']),
  why: text,
});

/** What one machine saw that looked as a drill does, and restored nothing. */
export const lookSchema = z.strictObject({
  at: timestamp.describe('When it was looked.'),
  host: text.describe('Where.'),
  worker: text.optional().describe('The worker that looked; absent where a command did.'),
  outcome: z
    .enum(['run', 'fail', 'error'])
    .describe('run: nothing that is known beforehand speaks against it. Else how a drill would end.'),
  reason: reason.optional().describe('The reason that the receipt of a drill would give.'),
  message: text.optional().describe('What happened, and what to do; only of a command that looked itself.'),
  waits_for: z.literal('key').optional().describe('A drill would wait: this worker has no key to sign with.'),
  restore_point: restore_point.omit({ resolved: true, listing_sha256: true }).extend({
    listed: count.optional().describe('How many backups there are.'),
    drawn: z
      .literal(true)
      .optional()
      .describe('By lot: the backup is one of those that may be drawn, and each drill draws anew.'),
  }),
  backup: backup
    .unwrap()
    .omit({ sha256: true })
    .extend({ age_s: seconds.optional() })
    .optional()
    .describe('The backup that would be taken; size_bytes of a live source is that of the database.'),
  newest_backup: newest_backup.unwrap().extend({ age_s: seconds }).optional(),
  objectives: objectives.describe('With the verdict on rpo, which is known by now.'),
  companions: z
    .array(
      z.strictObject({
        to: wellFormed,
        location: text,
        size_bytes: count.optional(),
        files: count.optional(),
      }),
    )
    .optional()
    .describe(
      'What must be in place before the server starts; the last one is at fault where a fault is one of them.',
    ),
  scratch: z
    .strictObject({
      isolation: z.enum(['docker', 'bubblewrap']),
      image: z.string().optional(),
      image_digest: z.string().optional(),
      image_here: z.boolean().optional().describe('false: the first drill pulls it.'),
      engine: told.optional().describe('The server that would run, as a receipt names it.'),
      substitute: z.literal(true).optional(),
      tool: told.optional().describe('What restores, beside the server.'),
      data: z.enum(['memory', 'disk']).describe('Where the restored database would lie at first.'),
      room: roomSchema.optional().describe('What the host has for scratches at this moment.'),
    })
    .optional(),
  extensions: z
    .array(z.strictObject({ name: wellFormed, there: z.boolean().optional() }))
    .optional()
    .describe('Those that the backup needs; there: whether the image has it.'),
  unknown: z.array(unknownSchema),
});
export type Look = z.infer<typeof lookSchema>;

const poolWorkerSchema = z.strictObject({
  worker: text,
  host: text,
  state: z.enum(['ready', 'draining']),
  free: z.boolean().describe('It runs fewer drills than it may.'),
  room: roomSchema.optional().describe('What it announced last; absent where it has not yet.'),
  short: z
    .enum(['memory', 'disk', 'pids'])
    .optional()
    .describe('What its host lacks for this drill now, those that run included.'),
});

/** What a fleet knows of the drills of one source. */
export const poolOutlookSchema = z.strictObject({
  pool: text,
  workers: z.array(poolWorkerSchema).describe('Those that serve the pool.'),
  waits_for: text
    .optional()
    .describe('What a drill asked for now would wait for; absent where it would begin.'),
  open: count.describe('Drills of the source that are under way.'),
});
export type PoolOutlook = z.infer<typeof poolOutlookSchema>;

/** What is known of the next drill of a source before it runs: why it would wait, or be refused, in one answer. */
export const preflightSchema = z.strictObject({
  source: text,
  kind: z.enum(['postgres', 'mongodb']),
  schedule: text.optional().describe('The schedule whose restore point it is.'),
  outlook: z
    .enum(['run', 'wait', 'fail', 'error', 'unknown'])
    .describe('fail and error: how its receipt would read. unknown: nobody has looked at the backups.'),
  reason: reason.optional(),
  why: text.optional().describe('In words; absent where it would run.'),
  needs: needsSchema.describe('What the scratch may take at the most: what a worker must have free.'),
  look: lookSchema.omit({ unknown: true }).optional(),
  fleet: poolOutlookSchema.optional(),
  unknown: z.array(unknownSchema),
});
export type Preflight = z.infer<typeof preflightSchema>;

/** What is known, put together: what a look found comes before what the fleet lacks. */
export function preflightOf(
  source: Pick<Source, 'slug' | 'kind' | 'scratch'>,
  {
    look,
    fleet,
    schedule,
    unknown = [],
  }: {
    readonly look?: Look | undefined;
    readonly fleet?: PoolOutlook | undefined;
    readonly schedule?: string | undefined;
    readonly unknown?: readonly Preflight['unknown'][number][];
  },
): Preflight {
  const { unknown: unseen = [], ...seen } = look ?? {};
  const { cpus, memoryBytes, diskBytes, pids } = source.scratch;
  return {
    source: source.slug,
    kind: source.kind,
    ...(schedule !== undefined && { schedule }),
    ...outlookOf(look, fleet, unknown),
    needs: { cpus, memory_bytes: memoryBytes, disk_bytes: diskBytes, pids },
    ...('at' in seen && { look: seen }),
    ...(fleet && { fleet }),
    unknown: [...unknown, ...unseen],
  };
}

function outlookOf(
  look: Look | undefined,
  fleet: PoolOutlook | undefined,
  unknown: readonly Preflight['unknown'][number][],
): Pick<Preflight, 'outlook' | 'reason' | 'why'> {
  if (look !== undefined && look.outcome !== 'run') {
    const { outcome, reason, message } = look;
    const why = message ?? (reason && `${REASONS[reason].meaning}.`);
    // A drill of a fleet is not begun on such a host.
    const waits = look.worker !== undefined && reason === 'isolation_unavailable';
    return { outlook: waits ? 'wait' : outcome, ...(reason && { reason }), ...(why && { why }) };
  }
  const noKey = look?.waits_for === 'key' ? `a key to sign with on ${look.host}` : undefined;
  const waitsFor = fleet?.waits_for ?? noKey;
  if (waitsFor !== undefined) return { outlook: 'wait', why: `It would wait for ${waitsFor}.` };
  if (look !== undefined) return { outlook: 'run' };
  const [first] = unknown;
  return { outlook: 'unknown', ...(first && { why: first.why }) };
}
