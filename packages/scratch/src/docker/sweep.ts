import { fromLabels, LABEL_WORKER, type Wanted } from '../labels.js';
import { refuseIfAborted } from '../limit.js';
import { type Daemon, silent } from './daemon.js';

/** Removes the containers and volumes that carry all of Muster's labels and are wanted away. */
export async function sweepDocker(
  daemon: Daemon,
  isWanted: Wanted,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { containers, volumes } = await daemon
    .labelled(LABEL_WORKER)
    .catch((cause: unknown) => Promise.reject(silent(cause)));
  const wanted = ({ labels }: { readonly labels: Record<string, string> }): boolean => {
    const owner = fromLabels(labels);
    return owner !== undefined && isWanted(owner);
  };
  const removed: string[] = [];
  for (const { id, name } of containers.filter(wanted)) {
    refuseIfAborted(signal, 'the sweep');
    await daemon.remove(id);
    removed.push(`container ${name}`);
  }
  for (const { name } of volumes.filter(wanted)) {
    refuseIfAborted(signal, 'the sweep');
    // One that went with its container is no longer there; one that is in use stays.
    if (await daemon.removeVolume(name).catch(() => false)) removed.push(`volume ${name}`);
  }
  return removed;
}
