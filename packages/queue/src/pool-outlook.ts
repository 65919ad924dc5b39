import type { PoolOutlook, Source } from '@muster/core';
import type { DrillQueue } from './drill-queue.js';
import { type OpenDrillPorts, openDrills } from './open-drills.js';
import type { Needs, Reservations } from './reservations.js';
import type { Heartbeat } from './worker-registry.js';

export interface OutlookPorts extends OpenDrillPorts {
  readonly drills: Pick<DrillQueue, 'find' | 'list' | 'isHeld'>;
  readonly reservations: Pick<Reservations, 'shortage'>;
}

/** More drills of one source under way are not looked through. */
const MOST_OPEN = 200;

/**
 * Which workers serve the pool of a source, whether one of them has room for its scratch, and what a drill that is asked for
 * now would wait for: as workers announced it, and by the reservations of drills that run. @throws `redis_unavailable`.
 */
export async function poolOutlook(
  ports: OutlookPorts,
  source: Pick<Source, 'slug' | 'pool' | 'scratch' | 'backup'>,
): Promise<PoolOutlook> {
  const [everybody, open, isHeld] = await Promise.all([
    ports.registry.list(),
    openDrills(ports, { source: source.slug, most: MOST_OPEN }),
    ports.drills.isHeld(source.pool),
  ]);
  const serving = everybody.filter(({ pool }) => pool === source.pool);
  const workers = await Promise.all(serving.map((one) => describe(ports, one, source.scratch)));
  const runs = open.some(({ state }) => state === 'active');
  const waitsFor = isHeld
    ? `the queue of the pool ${source.pool} (it is paused)`
    : (whyNoWorker(source.pool, workers) ??
      (source.backup.type === 'live' && runs
        ? 'the drill of this source that runs: a live source has one at a time'
        : undefined));
  return {
    pool: source.pool,
    workers,
    ...(waitsFor !== undefined && { waits_for: waitsFor }),
    open: open.length,
  };
}

type PoolWorker = PoolOutlook['workers'][number];

async function describe(
  { reservations }: OutlookPorts,
  { worker, host, state, concurrency, drills, capacity }: Heartbeat,
  needs: Needs,
): Promise<PoolWorker> {
  const { host_id: hostId, ...room } = capacity ?? {};
  const short = capacity && hostId && (await reservations.shortage(needs, hostCapacity(hostId, capacity)));
  return {
    worker,
    host,
    state,
    free: drills.length < concurrency,
    ...(capacity && { room }),
    ...(short && { short }),
  };
}

const hostCapacity = (hostId: string, announced: NonNullable<Heartbeat['capacity']>) => ({
  hostId,
  memoryBytes: announced.memory_bytes,
  ...(announced.memory_free_bytes !== undefined && { memoryFreeBytes: announced.memory_free_bytes }),
  ...(announced.disk_free_bytes !== undefined && { diskFreeBytes: announced.disk_free_bytes }),
  ...(announced.pids !== undefined && { pids: announced.pids }),
});

/** In the words of drills that wait. */
function whyNoWorker(pool: string, workers: readonly PoolWorker[]): string | undefined {
  const ready = workers.filter(({ state }) => state === 'ready');
  if (ready.length === 0) return `a worker of the pool ${pool} (none serves it now)`;
  const roomy = ready.filter(({ short }) => short === undefined);
  if (roomy.length === 0) {
    const places = new Set(ready.map(({ short, host }) => `${short} on ${host}`));
    return `room: ${[...places].join(', ')}`;
  }
  return roomy.some(({ free }) => free) ? undefined : `a free worker of the pool ${pool}`;
}
