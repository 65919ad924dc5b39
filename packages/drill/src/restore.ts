import {
  drillTime,
  isFuture,
  isWalPoint,
  MusterError,
  type RecoveryRecord,
  restoreTime,
  timesOf,
} from '@muster/core';
import {
  type BackupFacts,
  type RecoveryTarget,
  type RestoreOptions,
  type RestoreReport,
  restoreWhileExamining,
} from '@muster/engines';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import { explain, type Launched, lossError } from './launch.js';
import type { Located, LocatedFile } from './locate.js';
import type { Recordings } from './recordings.js';
import { restoreLive } from './restore-live.js';
import type { Seen } from './seen.js';

export interface Restored {
  readonly report: RestoreReport;
  readonly facts: BackupFacts;
}

/**
 * The phase `restore`: the engine's own tool restores while the bytes are examined beside it.
 * Notes the digest as soon as it is known, so that also a receipt of a failed restore names its bytes.
 */
export async function restore(
  ports: DrillPorts,
  request: DrillRequest,
  located: Located,
  launched: Launched,
  seen: Pick<Seen, 'examined'>,
  recordings: Pick<Recordings, 'during'>,
  signal: AbortSignal,
): Promise<Restored> {
  const options = {
    facts: located.facts,
    fallbackDatabase: request.source.database ?? request.source.slug,
    jobs: Math.max(1, Math.floor(Math.min(request.source.scratch.cpus, ports.worker.cpus))),
    ...(located.kind === 'file' && located.artefact.form === 'repository' && ofSet(request)),
    onProgress: (progress: { bytes: number; totalBytes?: number }) =>
      ports.observe({ type: 'progress', phase: 'restore', what: 'restore', ...progress }),
    onOutput: (text: string) => ports.output(request.plan.drill_id, text),
  };
  if (located.kind === 'live') {
    const report = await restoreLive(
      ports.liveDumperOf(request.source.kind),
      located,
      launched,
      (artefact) =>
        launched.server
          .restore(artefact, options, signal)
          .catch((error) => explain(launched, request.source, error, signal)),
      recordings,
      signal,
    );
    seen.examined = report.examined;
    await refuseOverflow(request, launched);
    return { report, facts: report.facts ?? located.facts };
  }
  const report = await restoreWhileExamining(
    located.artefact,
    (artefact, stop) =>
      launched.server
        .restore(artefact, options, stop)
        .catch((error) => explain(launched, request.source, error, stop)),
    (artefact, stop) => examine(ports, request, { ...located, artefact }, seen, stop),
    signal,
  );
  await refuseOverflow(request, launched);
  if (report.recovery !== undefined) refuseFuture(report.recovery, ports.now());
  return { report, facts: located.facts };
}

/** What only a backup set of a repository is restored with. */
function ofSet(
  request: DrillRequest,
): Pick<RestoreOptions, 'recoverTo'> & Partial<Pick<RestoreOptions, 'jobs'>> {
  const { backup } = request.source;
  const jobs = backup.type === 'pgbackrest' ? backup.processMax : undefined;
  return { recoverTo: recoverTo(request), ...(jobs !== undefined && { jobs }) };
}

/** What is newest is that with all WAL after it, and what a point means is that point; any other set is meant alone. */
export function recoverTo({ restorePoint, plan }: DrillRequest): RecoveryTarget {
  if (restorePoint.kind === 'latest') return { kind: 'latest' };
  if (isWalPoint(restorePoint)) return restorePoint;
  const at = restorePoint.kind === 'time' && restoreTime(restorePoint.time, drillTime(plan.drill_id));
  return at ? { kind: 'time', at } : { kind: 'immediate' };
}

/** A commit of the future would meet every rpo, for as long as its time has not come. */
export function refuseFuture(recovery: RecoveryRecord, now: Date): void {
  const ahead = timesOf(recovery).find((time) => isFuture(time, now));
  if (ahead === undefined) return;
  throw new MusterError(
    'future_dated',
    `What was recovered is of ${ahead.toISOString()} by its own WAL, and here it is ${now.toISOString()}: nobody can say how old it is. See whether the clocks of the worker and of the primary are right.`,
  );
}

/** A bound of the disk that is only watched may have been passed between two looks. */
async function refuseOverflow({ source }: DrillRequest, { scratch }: Launched): Promise<void> {
  if (scratch.limits.disk_bytes !== undefined) return;
  const loss = await scratch.diagnose();
  if (loss?.reason === 'scratch_disk_full') throw lossError(loss.reason, source, undefined);
}

async function examine(
  ports: DrillPorts,
  request: DrillRequest,
  located: LocatedFile,
  seen: Pick<Seen, 'examined'>,
  signal: AbortSignal,
): Promise<void> {
  const totalBytes = located.artefact.sizeBytes;
  const contentLimitBytes = request.source.scratch.diskBytes * EXPANSION;
  const onBytes = (bytes: number) =>
    ports.observe({ type: 'progress', phase: 'restore', what: 'examine', bytes, totalBytes });
  const examined = await ports
    .engineOf(request.source.kind)
    .examine(located.artefact, located.facts, { onBytes, contentLimitBytes }, signal);
  seen.examined = examined;
  if (examined.fault !== undefined) throw examined.fault;
}

/** What the backup expands to may be so many times what its scratch holds: an engine stores text tighter than a dump. */
export const EXPANSION = 10;
