import { dependenciesOf } from '@muster/api';
import { type Config, poolsOf } from '@muster/core';
import { type EvidenceStore, listQuarantine } from '@muster/evidence';
import type { DrillIndex } from '@muster/index';
import {
  type DrillQueue,
  type ReceiptQueue,
  type ServiceRegistry,
  type TakesSeenPorts,
  takesSeen,
  type WorkerRegistry,
} from '@muster/queue';
import type { FleetSource, FleetView } from '@muster/telemetry';

export interface FleetViewPorts extends TakesSeenPorts {
  readonly inForce: () => Promise<Config | undefined>;
  readonly drills: Pick<DrillQueue, 'depths'>;
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly services: Pick<ServiceRegistry, 'count'>;
  readonly receipts: Pick<ReceiptQueue, 'depth'>;
  readonly index: Pick<DrillIndex, 'lastPasses' | 'list'>;
  readonly store: Pick<EvidenceStore, 'list'>;
}

/** What goes through the whole index, or lists objects in S3, is looked at so often at the most. */
const FRESH_MS = 60_000;
/** That may take longer than whoever scrapes waits: the next one has it. */
const ASKING_MS = 30_000;

/** The fleet as its metrics have it. */
export function fleetView(ports: FleetViewPorts): FleetView {
  const { inForce, drills, registry, services, receipts, index, store, now } = ports;
  const sources = async (signal: AbortSignal): Promise<readonly FleetSource[]> => {
    const config = await inForce();
    const passes = await index.lastPasses({}, signal);
    const lastPass = new Map(passes.map(({ source, at }) => [source, at]));
    const seen = await takesSeen(ports, config?.sources ?? []);
    return (config?.sources ?? []).map(({ slug, objectives }) => ({
      slug,
      lastTake: seen.get(slug)?.lastTaken,
      takeFindings: seen.get(slug)?.findings.map(({ code }) => code),
      lastPass: lastPass.get(slug),
      rpoMs: objectives?.rpoMs,
    }));
  };
  return {
    up: dependenciesOf(ports),
    queues: () => drills.depths(),
    workers: () => registry.list(),
    services: () => services.count(),
    receipts: () => receipts.depth(),
    pools: async () => [...poolsOf(await inForce())],
    sources: atMostEvery(FRESH_MS, now, sources),
    quarantined: atMostEvery(FRESH_MS, now, async (signal) => {
      const there = await listQuarantine(store, signal);
      return there.filter(({ acknowledged }) => !acknowledged).length;
    }),
  };
}

/**
 * Answers with what is known until it is that old; then asks anew, and answers with the old for as long again, since what
 * takes its time would else be absent once a minute. A fault leaves nothing known.
 */
function atMostEvery<T>(
  freshMs: number,
  now: () => Date,
  ask: (signal: AbortSignal) => Promise<T>,
): () => Promise<T> {
  let known: { readonly at: number; readonly answer: T } | undefined;
  let asking: Promise<T> | undefined;
  const askAnew = async (at: number): Promise<T> => {
    try {
      const answer = await ask(AbortSignal.timeout(ASKING_MS));
      known = { at, answer };
      return answer;
    } catch (error) {
      known = undefined;
      throw error;
    } finally {
      asking = undefined;
    }
  };
  return async () => {
    const at = now().getTime();
    const old = known;
    if (old !== undefined && at - old.at < freshMs) return old.answer;
    asking ??= askAnew(at);
    if (old === undefined || at - old.at >= 2 * freshMs) return await asking;
    // Whoever comes next is told of a fault.
    asking.catch(() => undefined);
    return old.answer;
  };
}
