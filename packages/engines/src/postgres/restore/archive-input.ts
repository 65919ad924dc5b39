import type { Scratch } from '@muster/scratch';
import { BACKUP_MOUNT, type DumpArtefact } from '../../artefact.js';
import { counting } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { type Feed, feed } from '../../bytes/feed.js';
import { openContent } from '../../bytes/open-content.js';
import type { RestoreProgress } from '../../engine.js';
import { directoryInside, othersMayRead } from '../../restore/directory-inside.js';
import type { PostgresFacts } from '../postgres-facts.js';

/** How pg_restore comes to an archive. */
export type ArchiveInput =
  /** It reads a path inside the scratch; what it has read goes to `tell`, unless the way there has told it already. */
  | { readonly path: string; readonly feed?: undefined; readonly tell?: (bytes: number) => void }
  | { readonly feed: Feed; readonly path?: undefined; readonly tell?: undefined };

/**
 * Chooses the way of an archive into the scratch: it reads what is mounted there, else bytes flow into its stdin. A
 * directory that is not mounted is carried in first, since no archive of that form can be streamed.
 */
export async function archiveInput(
  scratch: Scratch,
  artefact: DumpArtefact,
  facts: PostgresFacts,
  options: {
    readonly onProgress: (progress: RestoreProgress) => void;
    readonly onFault: () => void;
    readonly signal: AbortSignal;
  },
): Promise<ArchiveInput> {
  const totalBytes = artefact.sizeBytes;
  const tell = (bytes: number) => options.onProgress({ bytes: Math.min(bytes, totalBytes), totalBytes });
  if (artefact.form === 'directory') {
    const inside = await directoryInside(scratch, artefact.path, tell, options.signal);
    return inside.mounted ? { path: inside.path, tell } : { path: inside.path };
  }
  const mounted = artefact.form === 'file' && scratch.mounts && facts.wrapper === 'none';
  if (mounted && (await othersMayRead(artefact.path))) return { path: BACKUP_MOUNT, tell };
  const { stream } = counting(openContent(artefact, options.signal), tell);
  return { feed: feed(unwrap(stream, facts.wrapper), { onFault: options.onFault }) };
}
