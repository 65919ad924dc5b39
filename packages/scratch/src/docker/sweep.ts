import { fromLabels, isAbandoned, LABEL_WORKER } from '../labels.js';
import { refuseIfAborted } from '../limit.js';
import { type Daemon, silent } from './daemon.js';

/** Removes the containers and volumes that carry all of Muster's labels and whose owner is gone. */
export async function sweepDocker(
  daemon: Daemon,
  now: Date,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { containers, volumes } = await daemon
    .labelled(LABEL_WORKER)
    .catch((cause: unknown) => Promise.reject(silent(cause)));
  const abandoned = ({ labels }: { readonly labels: Record<string, string> }): boolean => {
    const owner = fromLabels(labels);
    return owner !== undefined && isAbandoned(owner, now);
  };
  const removed: string[] = [];
  for (const { id, name } of containers.filter(abandoned)) {
    refuseIfAborted(signal, 'the sweep');
    await daemon.remove(id);
    removed.push(`container ${name}`);
  }
  for (const { name } of volumes.filter(abandoned)) {
    refuseIfAborted(signal, 'the sweep');
    // One that went with its container is no longer there; one that is in use is not abandoned.
    if (await daemon.removeVolume(name).catch(() => false)) removed.push(`volume ${name}`);
  }
  return removed;
}
