import type { Config } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import type { DrillIndex } from '@muster/index';
import type { DrillQueue, WorkerRegistry } from '@muster/queue';
import type { FleetSource, FleetView } from '@muster/telemetry';

export interface FleetViewPorts {
  readonly inForce: () => Promise<Config | undefined>;
  readonly drills: Pick<DrillQueue, 'depths'>;
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly index: Pick<DrillIndex, 'lastPasses'>;
  readonly store: Pick<EvidenceStore, 'list'>;
  readonly now: () => Date;
}

/** What goes through the whole index, or lists objects in S3, is looked at so often at the most. */
const FRESH_MS = 60_000;

/** The fleet as its metrics have it. */
export function fleetView(ports: FleetViewPorts): FleetView {
  const { inForce, drills, registry, index, store, now } = ports;
  const sources = async (signal: AbortSignal): Promise<readonly FleetSource[]> => {
    const config = await inForce();
    const passes = await index.lastPasses({}, signal);
    const lastPass = new Map(passes.map(({ source, at }) => [source, at]));
    return (config?.sources ?? []).map(({ slug }) => ({ slug, lastPass: lastPass.get(slug) }));
  };
  return {
    queues: () => drills.depths(),
    workers: () => registry.list(),
    sources: atMostEvery(FRESH_MS, now, sources),
    quarantined: atMostEvery(FRESH_MS, now, async (signal) => {
      let count = 0;
      for await (const _ of store.list('quarantine/', signal)) count += 1;
      return count;
    }),
  };
}

/** Answers with what is known, or just being asked, until it is that old. A fault is not kept. */
function atMostEvery<T>(
  freshMs: number,
  now: () => Date,
  ask: (signal: AbortSignal) => Promise<T>,
): (signal: AbortSignal) => Promise<T> {
  let known: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return (signal) => {
    const at = now().getTime();
    if (known !== undefined && at - known.at < freshMs) return known.answer;
    const asked = { at, answer: ask(signal) };
    known = asked;
    asked.answer.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.answer;
  };
}
