import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { MusterError } from '@muster/core';

/**
 * The digest of a backup, bare hex, as receipts.md defines it for `subject` and as the engines compute it while they examine.
 *
 * - A file: SHA-256 of its bytes, so what `sha256sum FILE` prints.
 * - A directory dump: SHA-256 of the lines that `sha256sum` prints for its regular files (`<hex>  <path in the directory>\n`),
 *   sorted by path, byte by byte:
 *   `find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum`
 *
 * Streams: no memory for the size of a backup. @throws `usage` where it cannot be read, or the signal's reason.
 */
export async function digestArtefact(
  path: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    return (await stat(path)).isDirectory()
      ? await digestDirectory(path, onBytes, signal)
      : await digestFile(path, onBytes, signal);
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (cause instanceof MusterError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MusterError('usage', `The artefact ${path} cannot be read (${why}): correct the path.`, {
      cause,
    });
  }
}

async function digestFile(
  path: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256');
  const options = { highWaterMark: 1024 * 1024, ...(signal === undefined ? {} : { signal }) };
  for await (const chunk of createReadStream(path, options) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes(chunk.byteLength);
  }
  return hash.digest('hex');
}

async function digestDirectory(
  directory: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const hash = createHash('sha256');
  for (const path of paths) {
    // `sha256sum` writes such names in another form, and without it two directories could have one digest.
    if (/[\\\r\n]/.test(path)) {
      throw new MusterError(
        'usage',
        `${directory} is no directory dump: it holds a file name with a line break or backslash.`,
      );
    }
    hash.update(`${await digestFile(join(directory, path), onBytes, signal)}  ${path}\n`);
  }
  return hash.digest('hex');
}
