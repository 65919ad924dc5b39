import { duesBetween, scheduledTakeId } from '@muster/core';
import { openTakes, requestTake, takeScheduleName, takesQueue, takesSeen } from '@muster/queue';
import { activeContext, traceTakeRequest } from '@muster/telemetry';
import type { Difference, InForce, ScheduledTake } from './in-force.js';
import type { ProducerPorts } from './producer-ports.js';

/** Ticks are given so long to be handled before anybody looks for them. */
const GRACE_MS = 60_000;
const FAR_MS = 5 * 366 * 86_400_000;

/** What is due to be taken. Of the due times that nobody answered, one late take stands for all: a backup is of its own day. */
export interface DueTakes {
  /** A tick: asks for its take. */
  answer(inForce: InForce, one: ScheduledTake, due: Date): Promise<void>;
  /** Asks for takes whose ticks never came, ends those that got lost, and tells once what is wrong. @returns how many were late. */
  pass(inForce: InForce): Promise<number>;
  /** Before schedules change or go: what is due is asked for. Then those that begin count from now. */
  settle(before: InForce, change: Difference<ScheduledTake>): Promise<void>;
}

export function createDueTakes(ports: ProducerPorts): DueTakes {
  const { schedules, logger, now } = ports;
  /** Of each schedule, when it is due next after what is accounted for. */
  const next = new Map<string, { readonly times: string; readonly at: number }>();
  const told = new Set<string>();

  const answer = async (inForce: InForce, one: ScheduledTake, due: Date): Promise<void> => {
    const { source, take, schedule } = one;
    const id = scheduledTakeId(source.slug, schedule.name, due);
    const job = {
      id,
      source: source.slug,
      kind: source.kind,
      pool: take.pool,
      ...(source.backup.type === 'pgbackrest' && { type: schedule.type }),
      trigger: { kind: 'schedule', schedule: schedule.name, scheduled_for: due.toISOString() },
      config_sha256: inForce.read.document.digest,
    } as const;
    const asked = await traceTakeRequest(
      { ...job, queue: takesQueue(take.pool) },
      activeContext(),
      (carrier) => requestTake(ports, { ...job, ...carrier }, take.overrun),
    );
    // Whatever was due until now has its answer in this take.
    await schedules.account([entry(one, later(due, now()))]);
    const fields = { source: source.slug, schedule: schedule.name, due: due.toISOString(), asked };
    if (asked === 'take_overrun' || asked === 'take_waiting')
      logger.warn('a take is left out: the one before it is not over', fields);
    else logger.info('take is due', fields);
  };

  /** The first due time that nobody answered; undefined where there is none. */
  const unanswered = ({ key, schedule }: ScheduledTake, from: Date, until: Date): Date | undefined => {
    const times = `${schedule.tz} ${schedule.cron}`;
    const known = next.get(key);
    if (known?.times === times && known.at > until.getTime()) return undefined;
    const [due] = duesBetween(schedule, from, new Date(from.getTime() + FAR_MS));
    next.set(key, { times, at: due?.getTime() ?? Number.POSITIVE_INFINITY });
    return due !== undefined && due <= until ? due : undefined;
  };

  const answerLate = async (inForce: InForce, accounted: ReadonlyMap<string, Date>): Promise<number> => {
    const horizon = new Date(now().getTime() - GRACE_MS);
    let late = 0;
    for (const one of inForce.takes.values()) {
      const from = accounted.get(one.key);
      if (from === undefined) {
        await schedules.begin([entry(one, now())]);
        continue;
      }
      const due = unanswered(one, from, horizon);
      if (due === undefined) continue;
      next.delete(one.key);
      const name = takeScheduleName(one.schedule.name);
      if (await schedules.holds({ slug: one.source.slug, schedule: name, due })) continue;
      await answer(inForce, one, due);
      late += 1;
    }
    return late;
  };

  const tellFindings = async (inForce: InForce): Promise<void> => {
    const sources = new Map([...inForce.takes.values()].map(({ source }) => [source.slug, source]));
    const found = new Set<string>();
    for (const [slug, { takes, findings }] of await takesSeen(ports, [...sources.values()])) {
      const kind = sources.get(slug)?.kind;
      if (kind !== undefined && takes.some(({ state }) => state !== 'ended'))
        await openTakes(ports, { source: slug, kind });
      for (const { code, schedule, message } of findings) {
        const key = [slug, code, schedule].join(' ');
        found.add(key);
        if (!told.has(key))
          logger.warn(message, { source: slug, finding: code, ...(schedule && { schedule }) });
      }
    }
    told.clear();
    for (const key of found) told.add(key);
  };

  return {
    answer,

    async pass(inForce) {
      if (inForce.takes.size === 0) return 0;
      const late = await answerLate(inForce, await schedules.accounted());
      await tellFindings(inForce);
      return late;
    },

    async settle(before, { ending, beginning }) {
      const at = now();
      if (ending.length > 0) {
        const accounted = await schedules.accounted();
        for (const one of ending) {
          const from = accounted.get(one.key);
          const [due] = from === undefined ? [] : duesBetween(one.schedule, from, at);
          if (due !== undefined) await answer(before, one, due);
          next.delete(one.key);
        }
      }
      if (beginning.length > 0) await schedules.begin(beginning.map((one) => entry(one, at)));
    },
  };
}

const entry = ({ source, schedule }: ScheduledTake, until: Date) => ({
  slug: source.slug,
  schedule: takeScheduleName(schedule.name),
  until,
});

const later = (a: Date, b: Date): Date => (a > b ? a : b);
