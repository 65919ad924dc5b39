import { createHash } from 'node:crypto';
import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from './config/config.js';

/**
 * The due times of a schedule in (after, until], ascending and lazily: whoever wants a few of very many takes a few.
 * The arithmetic is that of BullMQ's own schedulers, which use the same parser.
 */
export function* duesBetween(
  { cron, tz }: Pick<Schedule, 'cron' | 'tz'>,
  after: Date,
  until: Date,
): Generator<Date, void, undefined> {
  if (after >= until) return;
  const expression = CronExpressionParser.parse(cron, { currentDate: after, tz });
  for (;;) {
    const due = expression.next().toDate();
    if (due > until) return;
    yield due;
  }
}

/** By how many ms the drills of a schedule start later than they are due: a hash of the slug, below `jitterMs`. */
export function jitterOf(slug: string, { jitterMs }: Pick<Schedule, 'jitterMs'>): number {
  if (jitterMs <= 0) return 0;
  return createHash('sha256').update(slug).digest().readUIntBE(0, 6) % jitterMs;
}
