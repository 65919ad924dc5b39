import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { parsedString, text, timeLimit } from './scalars.js';

const name = (what: string) =>
  z
    .string()
    .max(100)
    .regex(/^[a-z0-9-]+$/, { error: `expected ${what}: lower-case letters, digits and hyphens` });

export const poolName = () => name('the name of a pool');

const FIELDS = 'minute, hour, day of month, month, day of week';

/** Cron of five fields, as BullMQ's parser takes them and crontab(5) means them. */
export const cron = () =>
  parsedString<string>((written) => {
    const fields = written.trim().split(/\s+/);
    if (fields.length !== 5) return { message: `expected cron with five fields (${FIELDS})` };
    // The parser's own invention, a value by chance.
    if (/\bH\b/i.test(written)) return { message: `expected cron with five fields (${FIELDS}), without H` };
    try {
      CronExpressionParser.parse(written, { tz: 'UTC' }).next();
      return { value: fields.join(' ') };
    } catch {
      return { message: `expected cron with five fields (${FIELDS}) that is due at some time` };
    }
  });

const timeZone = () =>
  parsedString<string>((written) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: written });
      return { value: written };
    } catch {
      return { message: 'expected a time zone such as Europe/Paris or UTC' };
    }
  });

const restorePoint = () =>
  z.union([z.enum(['latest', 'oldest']), z.strictObject({ id: text().describe('The id of one backup.') })], {
    error: 'expected latest, oldest or { id }; random, time, xid, name and lsn: not supported yet',
  });

const MAX_JITTER_MS = 24 * 60 * 60 * 1000;

export const schedule = z.strictObject({
  name: name('a name').describe('Unique within its source.'),
  cron: cron().describe(`Five fields: ${FIELDS}.`),
  tz: timeZone().exactOptional().describe('An IANA time zone. Default: UTC.'),
  restore_point: restorePoint().exactOptional().describe('latest, oldest or { id }. Default: latest.'),
  jitter: timeLimit()
    .refine((ms) => ms <= MAX_JITTER_MS, { error: 'expected a jitter of 24h at most' })
    .exactOptional()
    .describe('Spreads the drills of many sources: each starts by up to so much later. Default: 0s.'),
  overrun: z
    .enum(['skip', 'wait'])
    .exactOptional()
    .describe('While the drill before it is not over: leave it out, with a receipt, or wait. Default: skip.'),
});
