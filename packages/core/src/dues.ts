import { createHash } from 'node:crypto';
import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from './config/config.js';

/**
 * The due times of a schedule in (after, until], strictly rising and lazily: whoever wants a few of very many takes a
 * few. They are those of BullMQ's own schedulers, which ask the same parser.
 *
 * Where clocks go forward, what was due in the hour that does not exist is due once in the next (02:30 in Paris is then
 * 03:30). Where they go back, what was due in the hour that comes twice is due in the first. What is due in every hour is
 * due in each that passes.
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
    // As BullMQ, which parses anew for each: from its own last step the parser goes on otherwise where clocks change.
    expression.reset(due);
  }
}

/** By how many ms the drills of a schedule start later than they are due: a hash of the slug, below `jitterMs`. */
export function jitterOf(slug: string, { jitterMs }: Pick<Schedule, 'jitterMs'>): number {
  if (jitterMs <= 0) return 0;
  return createHash('sha256').update(slug).digest().readUIntBE(0, 6) % jitterMs;
}
