import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Sockets and a few small files: all that a server has to put beside its socket. */
const MOST_ENTRIES = 64;
const MOST_BYTES = 1024 * 1024;
const EVERY_MS = 500;

/**
 * The socket directory is the one place of the host that a cell writes to, and nothing bounds it: so whoever puts more
 * there than sockets is reported, once. Returns what stops the watch.
 */
export function watchSocketDirectory(directory: string, onAbuse: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    const abused = await isAbused(directory).catch(() => false);
    if (stopped) return;
    if (abused) onAbuse();
    else timer = setTimeout(look, EVERY_MS).unref();
  };
  timer = setTimeout(look, EVERY_MS).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function isAbused(directory: string): Promise<boolean> {
  const names = await readdir(directory);
  if (names.length > MOST_ENTRIES) return true;
  let bytes = 0;
  for (const name of names) {
    const entry = await lstat(join(directory, name)).catch(() => undefined);
    if (entry?.isDirectory()) return true;
    bytes += (entry?.blocks ?? 0) * 512;
  }
  return bytes > MOST_BYTES;
}
