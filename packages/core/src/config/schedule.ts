import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { EXPECTED_POINT, EXPECTED_TIME, MOST_DAYS, readWalPoint, restoreTime } from '../restore-point.js';
import { parsedString, text, timeLimit } from './scalars.js';

const name = (what: string) =>
  z
    .string()
    .max(100)
    .regex(/^[a-z0-9-]+$/, { error: `expected ${what}: lower-case letters, digits and hyphens` });

export const poolName = () => name('the name of a pool');

export const scheduleName = () => name('a name');

const FIELDS = ['minute', 'hour', 'day of month', 'month', 'day of week'] as const;
const RANGES: Readonly<Record<(typeof FIELDS)[number], string>> = {
  minute: '0-59',
  hour: '0-23',
  'day of month': '1-31',
  month: '1-12 or jan-dec',
  'day of week': '0-7 or sun-sat',
};
const EXPECTED = `expected cron with five fields (${FIELDS.join(', ')})`;
const NO_NAMES = /^[^a-z]*$/i;
/** What the parser takes beyond crontab(5) and makes something else of: `H` by chance, `jan` as a day, `fri` as a month. */
const NAMES: Readonly<Record<(typeof FIELDS)[number], RegExp>> = {
  minute: NO_NAMES,
  hour: NO_NAMES,
  'day of month': /^[^a-z]*L?$/,
  month: /^(?:[^a-z]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)*$/i,
  'day of week': /^(?:[^a-z]|L|sun|mon|tue|wed|thu|fri|sat)*$/i,
};

/** A file may have thousands of schedules, and says the same few over and over. */
const remembered = <T>(read: (text: string) => T): ((text: string) => T) => {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= MOST_REMEMBERED) known.clear();
    const value = read(text);
    known.set(text, value);
    return value;
  };
};
const MOST_REMEMBERED = 10_000;

/** Cron of five fields, as BullMQ's parser takes them and crontab(5) means them. */
export const cron = () => parsedString<string>(readCron);

const readCron = remembered((written: string): { readonly value: string } | { readonly message: string } => {
  const fields = written.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) return { message: EXPECTED };
  const value = fields.join(' ');
  const misnamed = FIELDS.find((name, index) => !NAMES[name].test(fields[index] ?? ''));
  if (misnamed === undefined && isDue(value)) return { value };
  const wrong = misnamed ?? FIELDS.find((_, index) => !isDue(alone(fields, index)));
  if (wrong === undefined) return { message: `${EXPECTED} that is due at some time` };
  const field = fields[FIELDS.indexOf(wrong)] ?? '';
  // What is longer, or of other characters, may be anything that was pasted here.
  const fault = /^[\w*/,#-]{1,40}$/.test(field) ? `${field} is no ${wrong}` : `the ${wrong} is none`;
  return { message: `${EXPECTED}; ${fault} (${RANGES[wrong]}, with * , - and /)` };
});

/** With all other fields left open. */
const alone = (fields: readonly string[], index: number): string =>
  fields.map((field, other) => (other === index ? field : '*')).join(' ');

function isDue(expression: string): boolean {
  try {
    CronExpressionParser.parse(expression, { currentDate: new Date(0), tz: 'UTC' }).next();
    return true;
  } catch {
    return false;
  }
}

export const timeZone = () => parsedString<string>(readTimeZone);

const readTimeZone = remembered(
  (written: string): { readonly value: string } | { readonly message: string } => {
    const message = 'expected a time zone such as Europe/Paris or UTC';
    if (!/^[a-z]/i.test(written)) return { message };
    try {
      const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions();
      // Its clocks go back by half an hour, and there the parser, and with it BullMQ, finds no next time.
      return timeZone === 'Australia/Lord_Howe'
        ? { message: `${message}; schedules in that of Lord Howe Island are not supported` }
        : { value: written };
    } catch {
      return { message };
    }
  },
);

const time = () =>
  parsedString<string>((written) =>
    restoreTime(written, new Date(0)) === undefined ? { message: EXPECTED_TIME } : { value: written },
  );

/** A small number may stand without quotes; a large one would lose digits. */
const xid = () =>
  z
    .union([z.int().positive(), text()], { error: EXPECTED_POINT.xid })
    .refine((written) => readWalPoint('xid', String(written)) !== undefined, { error: EXPECTED_POINT.xid });

const walPoint = (kind: 'name' | 'lsn') =>
  text().refine((written) => readWalPoint(kind, written) !== undefined, { error: EXPECTED_POINT[kind] });

const restorePoint = () =>
  z.union(
    [
      z.enum(['latest', 'oldest', 'random']),
      z.strictObject({ id: text().describe('The id of one backup.') }),
      z.strictObject({
        random: z.strictObject({
          days: z.int().positive().max(MOST_DAYS).describe('Of the backups made in so many days before.'),
        }),
      }),
      z.strictObject({
        time: time().describe(
          'The newest backup made by then: RFC 3339, or before the due time, such as -2h.',
        ),
      }),
      z.strictObject({ xid: xid().describe('pgbackrest: as of the end of this transaction, with it.') }),
      z.strictObject({
        name: walPoint('name').describe(
          'pgbackrest: as of a restore point that the server was told to name.',
        ),
      }),
      z.strictObject({
        lsn: walPoint('lsn').describe('pgbackrest: all WAL before this location, such as 16/B374D848.'),
      }),
    ],
    {
      error:
        'expected latest, oldest, random, { id }, { random: { days: 14 } } or { time: "-2h" } (RFC 3339, or before the due time); of type: pgbackrest also { xid }, { name } or { lsn }',
    },
  );

const MAX_JITTER_MS = 24 * 60 * 60 * 1000;

export const schedule = z.strictObject({
  name: scheduleName().describe('Unique within its source.'),
  cron: cron().describe(`Five fields: ${FIELDS.join(', ')}.`),
  tz: timeZone().exactOptional().describe('An IANA time zone. Default: UTC.'),
  restore_point: restorePoint()
    .exactOptional()
    .describe(
      'latest, oldest, random, { id }, { random: { days } } or { time }; of pgbackrest also { xid }, { name } or { lsn }. Default: latest.',
    ),
  present: z
    .array(text())
    .exactOptional()
    .describe('Ids of checks that must hold at the restore point, asked beside those of the source.'),
  absent: z
    .array(text())
    .exactOptional()
    .describe('Ids of checks that must not hold yet at the restore point: the drill fails where one does.'),
  jitter: timeLimit()
    .refine((ms) => ms <= MAX_JITTER_MS, { error: 'expected a jitter of 24h at most' })
    .exactOptional()
    .describe('Spreads the drills of many sources: each starts by up to so much later. Default: 0s.'),
  overrun: z
    .enum(['skip', 'wait'])
    .exactOptional()
    .describe('While the drill before it is not over: leave it out, with a receipt, or wait. Default: skip.'),
});
