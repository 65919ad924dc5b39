import { duesBetween } from '@muster/core';
import { defaultRepeatStrategy } from 'bullmq';
import { expect, it } from 'vitest';

/** In which the clocks of all zones below change. */
const SEASONS = [
  [new Date('2027-03-01T00:00:00Z'), new Date('2027-05-05T00:00:00Z')],
  [new Date('2027-09-25T00:00:00Z'), new Date('2027-11-15T00:00:00Z')],
] as const;

/** As a Job Scheduler goes from each due time to the next. */
function* bullDues(pattern: string, tz: string, after: Date, until: Date): Generator<Date> {
  for (let now = after.getTime(); ; ) {
    const next: unknown = defaultRepeatStrategy(now, { pattern, tz });
    if (typeof next !== 'number') throw new Error('BullMQ has no next time');
    if (next > until.getTime()) return;
    now = next;
    yield new Date(next);
  }
}

const CRONS = [
  '30 2 * * *',
  '*/20 2 * * *',
  '0 0 * * *',
  '30 0 * * *',
  '15,45 1-3 * * *',
  '0 */2 * * *',
  '0 3 L * *',
  '30 1 * * 0',
];

it.each(['Europe/Paris', 'America/New_York', 'America/Havana', 'Africa/Cairo', 'Australia/Sydney', 'UTC'])(
  'the due times in %s are those of a Job Scheduler, strictly rising, also where clocks change',
  (tz) => {
    for (const cron of CRONS) {
      for (const [from, until] of SEASONS) {
        const ours = [...duesBetween({ cron, tz }, from, until)];
        expect(ours, cron).toEqual([...bullDues(cron, tz, from, until)]);
        expect(ours.every((due, index) => index === 0 || due > (ours[index - 1] ?? due))).toBe(true);
      }
    }
  },
);

it.each(['0 * * * *', '*/15 * * * *'])(
  '%s is due as a Job Scheduler ticks where the clocks of Paris change',
  (cron) => {
    for (const day of ['2027-03-27', '2027-10-30']) {
      const from = new Date(`${day}T12:00:00Z`);
      const until = new Date(from.getTime() + 86_400_000);
      const ours = [...duesBetween({ cron, tz: 'Europe/Paris' }, from, until)];
      expect(ours).toEqual([...bullDues(cron, 'Europe/Paris', from, until)]);
      expect(ours).toHaveLength(cron.startsWith('0') ? 24 : 96);
    }
  },
);
