import type { Backup } from '@muster/backups';
import { formatSize, isMusterError, MusterError } from '@muster/core';
import type { DumpArtefact } from '@muster/engines';
import { type Phase, timed } from './phases.js';
import type { RestorePorts, RestoreRequest } from './restore-ports.js';

/** A backup where its tool can read it. */
export interface LocalBackup {
  readonly artefact: DumpArtefact;
  /** What it took to get it here. */
  readonly phases: readonly Phase[];
  /** What was fetched. Idempotent. */
  remove(): Promise<void>;
}

/**
 * The backup where its tool can read it: one of several files that are elsewhere is fetched, and has to be removed.
 * @throws what fetching throws; `no_space`, `cancelled`.
 */
export async function onThisMachine(
  ports: RestorePorts,
  { restoreId }: RestoreRequest,
  { id, artefact }: Backup,
  signal: AbortSignal,
): Promise<LocalBackup> {
  const setOrStream = (): MusterError =>
    new MusterError('internal', `The backup ${id} is no dump: no database is restored from it.`);
  if (artefact.form === 'repository' || artefact.form === 'stream') throw setOrStream();
  if (artefact.form !== 'remote') return { artefact, phases: [], remove: async () => undefined };
  const spool = await ports.spool(restoreId);
  const phases: Phase[] = [];
  try {
    const options = {
      mostBytes: Number.POSITIVE_INFINITY,
      recoverTo: { kind: 'latest' },
      onBytes: (bytes: number, totalBytes: number) => ports.observe({ type: 'progress', bytes, totalBytes }),
    } as const;
    const fetched = await timed(ports, phases, 'fetch', () => artefact.fetch(spool.path, options, signal));
    if (fetched.form !== 'directory') throw setOrStream();
    return { artefact: fetched, phases, remove: () => spool.remove() };
  } catch (error) {
    await spool.remove();
    if (signal.aborted)
      throw new MusterError('cancelled', 'Interrupted. Nothing was changed.', { cause: error });
    if (!isMusterError(error, 'scratch_disk_full')) throw error;
    throw new MusterError(
      'no_space',
      `The backup ${id} (${formatSize(artefact.sizeBytes)}) is of several files, and has to be fetched onto this machine first, which has no room for it in its state directory. Make room, or name another one with MUSTER_STATE_DIR. Nothing was changed.`,
      { cause: error },
    );
  }
}
