import { isEvidence, isMusterError } from '@muster/core';
import type { DumpArtefact, RepositorySet } from '../artefact.js';
import { shareFlow } from '../bytes/share-flow.js';

type StoredArtefact = DumpArtefact | RepositorySet;

/**
 * Runs both at once; a flow is read once for both. Damage that the examination finds ends the restore and is the reason: it is the more exact word. A
 * restore that failed on the backup waits for the digest; one that failed on the infrastructure does not.
 */
export async function restoreWhileExamining<T>(
  artefact: StoredArtefact,
  restoring: (artefact: StoredArtefact, signal: AbortSignal) => Promise<T>,
  examining: (artefact: StoredArtefact, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<T> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const shared = artefact.form === 'flow' ? shareFlow(artefact, both) : undefined;
  const faults: {
    readonly error: unknown;
    readonly evidence: boolean;
    readonly by: 'restore' | 'examine';
  }[] = [];
  const note = (by: 'restore' | 'examine') => (error: unknown) => {
    // What failed because it was stopped says nothing about the backup.
    const evidence = isEvidence(error) && !both.aborted;
    faults.push({ error, evidence, by });
    if (by === 'examine' || !evidence) stop.abort(error);
    return undefined;
  };
  const [report] = await Promise.all([
    restoring(shared?.restoring ?? artefact, both)
      .catch(note('restore'))
      .finally(() => shared?.leave()),
    examining(shared?.examining ?? artefact, both).catch(note('examine')),
  ]).finally(() => shared?.close());
  const evidence = faults.filter((fault) => fault.evidence);
  const fault =
    // What the restore found in a file that was being written says nothing about the backup.
    faults.find(({ error }) => isMusterError(error, 'backup_changed')) ??
    evidence.find((one) => one.by === 'examine') ??
    evidence[0] ??
    faults[0];
  if (fault !== undefined || report === undefined) throw fault?.error;
  return report;
}
