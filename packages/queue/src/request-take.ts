import type { KnownTake, SkipReason, SourceKind, Take } from '@muster/core';
import { takeTime } from '@muster/core';
import { tallyOfTake } from '@muster/telemetry';
import type { TakeJob } from './jobs.js';
import type { TakeHistory } from './take-history.js';
import type { TakeQueue } from './take-queue.js';
import type { Tallies } from './tallies.js';

export interface TakePorts {
  readonly takes: TakeQueue;
  readonly takeHistory: TakeHistory;
  readonly tallies: Pick<Tallies, 'add'>;
  readonly now: () => Date;
}

/** What became of it: `over`, it had ended before; `exists`, it is under way. */
export type TakeAnswer = 'queued' | 'exists' | 'over' | SkipReason;

/**
 * Asks for a take: noted first, then its job into the queue. To ask for the same take again changes nothing. While another
 * take of the source is under way it is left out (and noted so): with `overrun: skip` at once, with `wait` where one waits
 * already. @throws `redis_unavailable`: then it may be asked for again.
 */
export async function requestTake(
  ports: TakePorts,
  job: TakeJob,
  overrun: Take['overrun'],
): Promise<TakeAnswer> {
  const { id, source } = job;
  const known = await ports.takeHistory.get(source, id);
  if (known?.state === 'ended') return isSkip(known.reason) ? known.reason : 'over';
  if (known === undefined) {
    const reason = await whySkipped(ports, job, overrun);
    const noted = newlyAsked(job, ports.now());
    const isFirst = await ports.takeHistory.begin(source, noted);
    if (reason !== undefined) {
      if (isFirst) await endTake(ports, job, { ...noted, outcome: 'skipped', reason });
      return reason;
    }
  }
  return await ports.takes.add(job);
}

/** What is known of a take that nothing became of yet. */
export const newlyAsked = ({ id, trigger, pool, type }: TakeJob, now: Date): KnownTake => ({
  id,
  trigger,
  pool,
  ...(type && { type }),
  due_at: takeTime(id).toISOString(),
  asked_at: now.toISOString(),
  state: 'queued',
  tries: 0,
});

const isSkip = (reason: string | undefined): reason is SkipReason =>
  reason === 'take_overrun' || reason === 'take_waiting';

interface TakeSource {
  readonly source: string;
  readonly kind: SourceKind;
}

/** The last word on a take. */
export async function endTake(
  { takeHistory, tallies, now }: Pick<TakePorts, 'takeHistory' | 'tallies' | 'now'>,
  { source, kind }: TakeSource,
  take: KnownTake & { readonly outcome: NonNullable<KnownTake['outcome']> },
): Promise<void> {
  await takeHistory.put(source, { ...take, state: 'ended', ended_at: now().toISOString() });
  await tallies.add(tallyOfTake(take.outcome, take.reason, kind));
}

async function whySkipped(
  ports: TakePorts,
  source: TakeSource,
  overrun: Take['overrun'],
): Promise<SkipReason | undefined> {
  const open = await openTakes(ports, source);
  const isWaiting = open.some(({ isActive }) => !isActive);
  if (overrun === 'wait' && !isWaiting) return undefined;
  if (open.some(({ isActive }) => isActive)) return 'take_overrun';
  return isWaiting ? 'take_waiting' : undefined;
}

/** A take is noted before it is queued: what is noted for less may be on its way. */
const QUEUEING_MS = 60_000;

/** The takes of a source that are under way; those that got lost from their queues are ended. @throws `redis_unavailable`. */
export async function openTakes(
  ports: TakePorts,
  source: TakeSource,
): Promise<readonly { readonly take: KnownTake; readonly isActive: boolean }[]> {
  const all = (await ports.takeHistory.list([source.source])).get(source.source) ?? [];
  const looked = all.map(async (take) => {
    if (take.state === 'ended') return [];
    const state = await ports.takes.state(take.pool, take.id);
    if (state !== 'absent') return [{ take, isActive: state === 'active' }];
    if (ports.now().getTime() - new Date(take.asked_at).getTime() < QUEUEING_MS)
      return [{ take, isActive: false }];
    // It may have ended between the two looks.
    const again = await ports.takeHistory.get(source.source, take.id);
    if (again !== undefined && again.state !== 'ended')
      await endTake(ports, source, { ...again, outcome: 'failed', reason: 'worker_lost' });
    return [];
  });
  return (await Promise.all(looked)).flat();
}
