import type { WaitReason } from '@muster/queue';
import type { Cli } from '../cli.js';
import type { LoadedConfig } from '../load-config.js';
import { openQueues } from './fleet-queues.js';
import { fleetRedis } from './redis-place.js';

/** A drill that is under way, as the fleet knows it. */
export interface OpenDrill {
  readonly drillId: string;
  readonly source: string;
  readonly pool: string;
  readonly state: 'waiting' | 'delayed' | 'active' | 'abandoned';
  readonly worker?: string;
  readonly phase?: string;
  /** Why it does not start. */
  readonly waitsFor?: string;
  readonly attempts: number;
}

/** The drills under way; undefined where no fleet is named or none answers: then there are receipts to look at. */
export async function openDrills(
  cli: Cli,
  { config }: LoadedConfig,
): Promise<readonly OpenDrill[] | undefined> {
  const url = await fleetRedis(cli.environment, config).catch(() => undefined);
  if (url === undefined) return undefined;
  const { drills, states, registry, close } = openQueues(url);
  try {
    const [queued, workers] = await Promise.all([drills.list(), registry.list()]);
    return await Promise.all(
      queued.map(async ({ plan, state }) => {
        const drillId = plan.drill_id;
        const [waiting, attempts] = await Promise.all([states.waiting(drillId), states.attempts(drillId)]);
        const worker = workers.find((one) => one.drills.some((drill) => drill.drill_id === drillId));
        const phase = worker?.drills.find((drill) => drill.drill_id === drillId)?.phase;
        const nobody = state === 'waiting' && !workers.some(({ pool }) => pool === plan.pool);
        const waits = nobody ? `a worker of the pool ${plan.pool}` : waiting && inWords(waiting.why);
        return {
          drillId,
          source: plan.source.slug,
          pool: plan.pool,
          state,
          ...(worker && { worker: worker.worker }),
          ...(phase && { phase }),
          ...(waits && { waitsFor: waits }),
          attempts: attempts.length,
        };
      }),
    );
  } catch {
    return undefined;
  } finally {
    await close();
  }
}

function inWords(why: WaitReason): string {
  if (why.type === 'room') return `room: ${why.short} on ${why.host}`;
  return why.type === 'isolation' ? `isolation on ${why.host}` : why.type;
}
