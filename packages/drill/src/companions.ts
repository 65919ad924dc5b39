import { join } from 'node:path';
import type { FetchedCompanion } from '@muster/backups';
import { isEvidence } from '@muster/core';
import type { LaunchSpec } from '@muster/scratch';
import type { DrillPorts, DrillRequest, Spool } from './drill-ports.js';
import type { Seen } from './seen.js';

/** What must be in place before the server starts. Whoever opened it calls `release` once no scratch shows it. */
export interface Companions {
  /** True also where there are none. */
  areFetched(): boolean;
  /** Part of the phase `fetch`; does nothing the second time. `onBytes` is told all bytes so far. @throws what `CompanionPlace.fetch` throws. */
  fetch(onBytes: (bytes: number) => void, signal: AbortSignal): Promise<void>;
  /** Once they are fetched. */
  mounts(): LaunchSpec['mounts'];
  /**
   * Runs what relies on them. What was found while one of them changed is evidence of nothing.
   * @throws `backup_changed`, and what `work` throws.
   */
  under<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Idempotent, and does not throw. */
  release(): Promise<void>;
}

/** The companions of a drill's source, none of them read yet; notes in `seen` what is. */
export function companionsOf(
  ports: DrillPorts,
  { source, plan }: DrillRequest,
  seen: Pick<Seen, 'companions'>,
): Companions {
  const there: { readonly to: string; readonly fetched: FetchedCompanion }[] = [];
  let spool: Spool | undefined;
  const unchanged = async (signal: AbortSignal): Promise<void> => {
    for (const { fetched } of there) await fetched.unchanged(signal);
  };
  const areFetched = (): boolean => there.length === source.companions.length;
  return {
    areFetched,
    async fetch(onBytes, signal) {
      if (areFetched()) return;
      const places = source.companions.map(({ from, to }) => ({ place: ports.companion(from), to }));
      seen.companions = places.map(({ place, to }) => ({ to, location: place.location }));
      spool = await ports.spool(plan.drill_id);
      let bytes = 0;
      let mostBytes = source.scratch.diskBytes;
      for (const [index, { place, to }] of places.entries()) {
        const directory = join(spool.path, `${index}`);
        const tell = (more: number) => onBytes(bytes + more);
        const fetched = await place.fetch({ directory, mostBytes }, tell, signal);
        there.push({ to, fetched });
        const { sizeBytes, files, sha256 } = fetched;
        bytes += sizeBytes;
        if (fetched.path.startsWith(directory)) mostBytes -= sizeBytes;
        const record = { to, location: place.location, sha256, size_bytes: sizeBytes, files };
        seen.companions = seen.companions.with(index, record);
      }
    },
    mounts: () => there.map(({ to, fetched }) => ({ hostPath: fetched.path, path: to })),
    async under(work, signal) {
      try {
        const result = await work();
        await unchanged(signal);
        return result;
      } catch (error) {
        if (isEvidence(error)) await unchanged(signal);
        throw error;
      }
    },
    async release() {
      await spool?.remove();
    },
  };
}
