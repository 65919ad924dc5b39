import type { PhaseName, Plan } from '@muster/core';
import type { DrillEvent } from '@muster/drill';
import type { Heartbeat } from '@muster/queue';
import { fleetEvent } from './fleet-event.js';
import type { WorkerPorts } from './worker-ports.js';

/** A drill that is being tried here. */
interface RunningDrill {
  /** Aborts when somebody cancels it. */
  readonly cancelled: AbortSignal;
  observe(event: DrillEvent): void;
  end(): void;
}

export interface RunningDrills {
  begin(plan: Plan): RunningDrill;
  cancel(drillId: string): void;
  ids(): readonly string[];
  /** For the heartbeat. */
  list(): Heartbeat['drills'];
}

/** Progress is told so often at the most. */
const PROGRESS_MS = 500;

/** The drills of one worker: what is told of them, and how they are reached. */
export function createRunningDrills(
  { events, now }: Pick<WorkerPorts, 'events' | 'now'>,
  onChange: () => void,
): RunningDrills {
  interface Entry {
    readonly source: string;
    readonly since: string;
    readonly cancel: AbortController;
    phase?: PhaseName;
    toldAt: number;
  }
  const entries = new Map<string, Entry>();
  return {
    begin: ({ drill_id: drillId, source }) => {
      const cancel = new AbortController();
      const entry: Entry = { source: source.slug, since: now().toISOString(), cancel, toldAt: 0 };
      entries.set(drillId, entry);
      onChange();
      return {
        cancelled: cancel.signal,
        observe: (event) => {
          if (event.type === 'progress') {
            if (now().getTime() - entry.toldAt < PROGRESS_MS) return;
            entry.toldAt = now().getTime();
          }
          if (event.type === 'phase-started') {
            entry.phase = event.phase;
            onChange();
          }
          const told = fleetEvent(event);
          if (told !== undefined) void events.publish(drillId, told);
        },
        end: () => {
          if (entries.get(drillId) === entry) entries.delete(drillId);
          onChange();
        },
      };
    },
    cancel: (drillId) => entries.get(drillId)?.cancel.abort(),
    ids: () => [...entries.keys()],
    list: () =>
      [...entries].map(([drillId, { source, phase, since }]) => ({
        drill_id: drillId,
        source,
        ...(phase && { phase }),
        since,
      })),
  };
}
