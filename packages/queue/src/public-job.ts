import { NO_DRILL } from './consume-drills.js';
import { NO_TAKE } from './consume-takes.js';
import { drillJobSchema, receiptJobSchema, takeJobSchema, tickJobSchema } from './jobs.js';
import { COMES_AGAIN } from './scrubbed.js';

/** What the jobs of a queue carry. */
export type PublicJobKind = 'drills' | 'takes' | 'receipts' | 'ticks';

/** Larger than any plan is. */
const MOST_CHARACTERS = 200_000;

/**
 * Of a job's data what anybody may see who may see the fleet: references, and no receipt's bytes. Undefined where it does
 * not have the shape of Muster's own: whoever put it there, what it holds is not shown.
 */
export function publicData(kind: PublicJobKind, data: unknown): object | undefined {
  const shown = parsers[kind](data);
  return JSON.stringify(shown ?? {}).length <= MOST_CHARACTERS ? shown : undefined;
}

const parsers: Readonly<Record<PublicJobKind, (data: unknown) => object | undefined>> = {
  drills: (data) => drillJobSchema.safeParse(data).data,
  takes: (data) => takeJobSchema.safeParse(data).data,
  ticks: (data) => tickJobSchema.safeParse(data).data,
  receipts: (data) => {
    const message = receiptJobSchema.safeParse(data).data;
    if (message?.type !== 'receipt') return message;
    const { bundle, listing: _, ...rest } = message;
    return { ...rest, bundle_characters: bundle.length };
  },
};

/** What this house and BullMQ tell of a job that failed. */
const REASONS: ReadonlySet<string> = new Set([
  NO_DRILL,
  NO_TAKE,
  COMES_AGAIN,
  'job stalled more than allowable limit',
  'job started more than allowable limit',
]);
const CODE = /^[a-z]+(_[a-z]+)*$/;

/** The reason why a job failed, where it is a code or one of a few known sentences; else only that there is one. */
export function publicReason(reason: string): string {
  return REASONS.has(reason) || CODE.test(reason)
    ? reason
    : 'a reason that is none of Muster’s: it is not shown';
}
