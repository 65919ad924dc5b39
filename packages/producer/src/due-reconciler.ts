import { basename } from 'node:path';
import { DRILL_ID, drillTime, duesBetween, isMusterError, scheduledDrillId } from '@muster/core';
import { type EvidenceStore, putPlan } from '@muster/evidence';
import { askDue, planDue } from './ask-due.js';
import type { InForce, Scheduled } from './in-force.js';
import type { Named } from './missing-receipts.js';
import type { ProducerPorts } from './producer-ports.js';

/** Ticks are given so long to be handled before anybody looks for them. */
const GRACE_MS = 60_000;
/** So far back the evidence store is asked for the newest plan of a schedule, after Redis lost what it knew. */
const LOOK_BACK_MS = 35 * 86_400_000;
const DAY_MS = 86_400_000;
/** So many schedules are looked at together. */
const AT_ONCE = 50;
/** So many due times of a schedule are made good in one pass. */
const DUES_A_PASS = 100;

export interface DueReconciler {
  /**
   * Gives what was due without a plan its plan and its `missed`. Tells every drill that it met. A fault of one schedule
   * keeps none of the others waiting: it is logged, and looked at again in the next pass.
   */
  pass(inForce: InForce, met: (drill: Named) => void, signal: AbortSignal): Promise<{ missed: number }>;
  /**
   * Before schedules change or go: the newest due time without a plan is asked for, as its tick would have done; those
   * before it are missed. Then `beginning` counts from now.
   */
  settle(
    before: InForce,
    change: { readonly ending: readonly Scheduled[]; readonly beginning: readonly Scheduled[] },
    signal: AbortSignal,
  ): Promise<void>;
  /** Redis was wiped or replaced: what it said of schedules is asked for again. */
  forget(): void;
}

/** Sees to it that each due time of each schedule has a plan, without asking anybody while nothing is due. */
export function createDueReconciler(ports: ProducerPorts): DueReconciler {
  /** Of each schedule, its first due time that is not accounted for: 10,000 schedules cost 10,000 comparisons. */
  const next = new Map<string, { readonly times: string; readonly at: number }>();
  const { schedules, receipts } = ports;

  const firstDue = ({ key, schedule }: Scheduled, since: Date): number => {
    const [due] = duesBetween(schedule, since, new Date(since.getTime() + 5 * 366 * 86_400_000));
    const at = due?.getTime() ?? Number.POSITIVE_INFINITY;
    next.set(key, { times: timesOf(schedule), at });
    return at;
  };
  const mayBeDue = (one: Scheduled, horizon: Date): boolean => {
    const known = next.get(one.key);
    return known === undefined || known.times !== timesOf(one.schedule) || known.at <= horizon.getTime();
  };

  /** From when on due times count: what Redis knows, else the evidence store, else now (a new schedule). */
  const since = async (
    one: Scheduled,
    accounted: ReadonlyMap<string, Date>,
    store: EvidenceStore,
    signal: AbortSignal,
  ): Promise<Date> =>
    accounted.get(one.key) ?? (await newestPlanned(store, one, ports.now(), signal)) ?? ports.now();

  const miss = async (inForce: InForce, one: Scheduled, due: Date, signal: AbortSignal) => {
    const plan = planDue(inForce, one, due);
    const put = await putPlan(inForce.store, plan, signal);
    if (put === 'exists') return 0;
    await receipts.publish({ type: 'unfinished', plan, reason: 'missed', attempts: [] });
    return 1;
  };

  /** @returns up to when it is accounted for, and how many were missed. */
  const walk = async (
    inForce: InForce,
    one: Scheduled,
    from: Date,
    horizon: Date,
    met: (drill: Named) => void,
    signal: AbortSignal,
  ) => {
    const slug = one.source.slug;
    const schedule = one.schedule.name;
    let until = from;
    let missed = 0;
    let taken = 0;
    for (const due of duesBetween(one.schedule, from, horizon)) {
      if (taken === DUES_A_PASS || (await schedules.holds({ slug, schedule, due }))) break;
      missed += await miss(inForce, one, due, signal);
      met({ slug, drillId: scheduledDrillId(slug, schedule, due) });
      until = due;
      taken += 1;
    }
    return { until, missed };
  };

  return {
    async pass(inForce, met, signal) {
      const horizon = new Date(ports.now().getTime() - GRACE_MS);
      const open = [...inForce.scheduled.values()].filter((one) => mayBeDue(one, horizon));
      if (open.length === 0) return { missed: 0 };
      const accounted = await schedules.accounted();
      let total = 0;
      const faults: { readonly key: string; readonly error: unknown }[] = [];
      const look = async (one: Scheduled): Promise<ReturnType<typeof entry>[]> => {
        const known = accounted.get(one.key);
        const from = await since(one, accounted, inForce.store, signal);
        const { until, missed } = await walk(inForce, one, from, horizon, met, signal);
        total += missed;
        firstDue(one, until);
        return known === undefined || until > known ? [entry(one, until)] : [];
      };
      for (let first = 0; first < open.length; first += AT_ONCE) {
        signal.throwIfAborted();
        const looked = open.slice(first, first + AT_ONCE).map((one) =>
          look(one).catch((error: unknown) => {
            signal.throwIfAborted();
            if (isMusterError(error, 'redis_unavailable')) throw error;
            faults.push({ key: one.key, error });
            return [];
          }),
        );
        await schedules.account((await Promise.all(looked)).flat());
      }
      const [fault] = faults;
      if (fault !== undefined) {
        const told = { schedule: fault.key, schedules: faults.length };
        ports.logger.error('what was due could not be accounted for', fault.error, told);
      }
      return { missed: total };
    },

    async settle(before, { ending, beginning }, signal) {
      const now = ports.now();
      const accounted = await schedules.accounted();
      for (const one of ending) {
        const from = await since(one, accounted, before.store, signal);
        const dues = [...duesBetween(one.schedule, from, now)];
        const last = dues.pop();
        for (const due of dues) await miss(before, one, due, signal);
        if (last !== undefined) await askDue(ports, before, one, last, signal);
        next.delete(one.key);
      }
      if (ending.length > 0) await schedules.account(ending.map((one) => entry(one, now)));
      if (beginning.length > 0) await schedules.begin(beginning.map((one) => entry(one, now)));
    },

    forget: () => next.clear(),
  };
}

const timesOf = ({ cron, tz }: Scheduled['schedule']): string => `${tz} ${cron}`;

const entry = ({ source, schedule }: Scheduled, until: Date) => ({
  slug: source.slug,
  schedule: schedule.name,
  until,
});

/** The due time of the newest plan of a schedule. A drill's id tells both, so that no cron is worked out for it. */
async function newestPlanned(
  store: EvidenceStore,
  { source: { slug }, schedule }: Scheduled,
  now: Date,
  signal: AbortSignal,
): Promise<Date | undefined> {
  let newest: Date | undefined;
  for (const month of monthsBack(now)) {
    for await (const key of store.list(`plans/${slug}/${month}/`, signal)) {
      const drillId = basename(key, '.json');
      if (!DRILL_ID.test(drillId)) continue;
      const due = drillTime(drillId);
      if (newest !== undefined && due <= newest) continue;
      if (drillId === scheduledDrillId(slug, schedule.name, due)) newest = due;
    }
  }
  return newest;
}

/** `2026/11`, and the months before it that the look back reaches into. */
function monthsBack(now: Date): readonly string[] {
  const months = new Set<string>();
  for (let at = now.getTime() - LOOK_BACK_MS; at <= now.getTime(); at += DAY_MS) {
    months.add(new Date(at).toISOString().slice(0, 7).replace('-', '/'));
  }
  return [...months];
}
