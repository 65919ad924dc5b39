import { type FileHandle, open } from 'node:fs/promises';
import { READ_NOW } from './feed.js';

/**
 * Opens a file to read it; undefined for what is no regular file: a pipe would be waited for, and a device need not end.
 * @throws faults of the operating system.
 */
export async function openRegular(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, READ_NOW);
  let isFile = false;
  try {
    isFile = (await file.stat()).isFile();
  } finally {
    if (!isFile) await file.close();
  }
  return isFile ? file : undefined;
}

/** The first `mostBytes` bytes of a file, or all of a shorter one. Otherwise as {@link openRegular}. */
export async function readBeginning(
  path: string,
  mostBytes: number,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  const file = await openRegular(path);
  if (file === undefined) return undefined;
  const stream = file.createReadStream({ end: mostBytes - 1, ...(signal && { signal }) });
  return Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
}
