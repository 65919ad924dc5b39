import { setTimeout as pause } from 'node:timers/promises';
import type { Taken } from '@muster/backups';
import { type Config, isMusterError, type KnownTake, MusterError, type Source, takeTime } from '@muster/core';
import { endTake, type Lease, takeLease } from '@muster/queue';
import type { Cli } from '../cli.js';
import { type FleetQueues, openQueues } from './fleet-queues.js';
import { findRedis } from './redis-place.js';

export interface HandTake {
  readonly source: Source;
  readonly takeId: string;
}

export interface HeldSource {
  /** False where there is no fleet, or nobody can tell. */
  readonly isAlone: boolean;
  /** Aborts when the source is no longer this take's, too. */
  readonly signal: AbortSignal;
}

const LOOK_MS = 1_000;

/**
 * Takes a backup by hand with its source for itself alone, across hosts, where there is a fleet that may take one too; the
 * fleet knows of it then. With `overrun: wait` it waits for the take that runs, for the limit of one.
 * @throws `take_overrun`, `cancelled`, what `work` throws.
 */
export async function withSourceHeld(
  { environment, output }: Cli,
  config: Config,
  asked: HandTake,
  work: (held: HeldSource) => Promise<Taken>,
  signal: AbortSignal,
): Promise<Taken> {
  const url = await findRedis(environment, config);
  if (url === undefined) return await work({ isAlone: false, signal });
  const queues = openQueues(url, 'foreground');
  const startedAt = environment.now();
  const note = (ended: Pick<KnownTake, 'reason' | 'backup' | 'bytes'>, outcome: 'taken' | 'failed') =>
    noteTake(queues, asked, { ...ended, outcome }, startedAt, environment.now);
  let lease: Lease | undefined;
  try {
    lease = await leaseOf(queues, asked, () => output.note('waits for a take that runs'), signal).catch(
      (error: unknown) => {
        if (!isMusterError(error, 'redis_unavailable')) throw error;
        // A backup by hand is wanted most where much is away.
        output.note(`Nobody can tell whether the fleet takes a backup of it now. ${error.message}`);
        return undefined;
      },
    );
    const until = lease === undefined ? signal : AbortSignal.any([signal, lease.lost]);
    const taken = await work({ isAlone: lease !== undefined, signal: until });
    if (lease !== undefined) await note({ backup: taken.backupId, bytes: taken.sizeBytes }, 'taken');
    return taken;
  } catch (error) {
    if (lease !== undefined)
      await note({ reason: isMusterError(error) ? error.code : 'internal_error' }, 'failed');
    throw error;
  } finally {
    await lease?.release();
    await queues.close();
  }
}

async function leaseOf(
  { leases }: Pick<FleetQueues, 'leases'>,
  { source: { slug, take }, takeId }: HandTake,
  onWait: () => void,
  signal: AbortSignal,
): Promise<Lease> {
  const limit = AbortSignal.timeout(take?.limitMs ?? 0);
  for (let isFirst = true; ; isFirst = false) {
    if (signal.aborted) throw new MusterError('cancelled', 'The take was cancelled while it waited.');
    const lease = await leases.acquire(takeLease(slug), takeId);
    if (lease !== undefined) return lease;
    if (take?.overrun !== 'wait' || limit.aborted) {
      throw new MusterError(
        'take_overrun',
        `Another take of the source "${slug}" is not over: do it again then, or let takes wait (take.overrun: wait).`,
      );
    }
    if (isFirst) onWait();
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Best effort: the backup is there, or not, whoever knows of it. */
async function noteTake(
  queues: Pick<FleetQueues, 'takeHistory' | 'tallies'>,
  { source: { slug, kind, pool, take }, takeId }: HandTake,
  ended: Pick<KnownTake, 'reason' | 'backup' | 'bytes'> & { readonly outcome: 'taken' | 'failed' },
  startedAt: Date,
  now: () => Date,
): Promise<void> {
  const at = startedAt.toISOString();
  const known: KnownTake = {
    id: takeId,
    trigger: { kind: 'cli' },
    pool: take?.pool ?? pool,
    due_at: takeTime(takeId).toISOString(),
    asked_at: at,
    started_at: at,
    state: 'ended',
    tries: 1,
  };
  await endTake({ ...queues, now }, { source: slug, kind }, { ...known, ...ended }).catch(() => {});
}
