import { basename, dirname, join } from 'node:path';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import { readBeginning } from '../bytes/regular-file.js';

/** A file that lies beside a backup and says what its digest should be. */
export interface DigestFile {
  /** Its own name, for messages. */
  readonly name: string;
  /** Paths as they stand in it, to lower-case hex; the path is empty where a digest stands alone. */
  readonly digests: ReadonlyMap<string, string>;
}

/** Of a file of digests, what is read. */
export const LONGEST_DIGESTS = 16 * 1024 * 1024;

/** `sha256sum` (text and binary), `sha256sum --tag` of GNU and BSD, and a digest alone. */
function parseChecksums(text: string): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const listed = /^\\?([0-9a-f]{64})(?:$| [ *](.+)$)/i.exec(line.trimEnd());
    const tagged = /^\\?SHA256 \((.+)\) ?= ?([0-9a-f]{64})$/i.exec(line.trimEnd());
    const [hex, path] = listed === null ? [tagged?.[2], tagged?.[1]] : [listed[1], listed[2] ?? ''];
    if (hex !== undefined && path !== undefined) {
      digests.set(line.startsWith('\\') ? unescapePath(path) : path, hex.toLowerCase());
    }
  }
  return digests;
}

const unescapePath = (path: string): string =>
  path.replace(/\\([\\nr])/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? '\\');

/** What may hold the digest of a file: `<file>.sha256` (or `.sha256sum`) of it alone, and `SHA256SUMS` beside it. */
export const digestFilesOf = (file: string): readonly { readonly name: string; readonly own: boolean }[] => [
  ...['.sha256', '.sha256sum'].map((suffix) => ({ name: `${file}${suffix}`, own: true })),
  ...['SHA256SUMS', 'SHA256SUMS.txt'].map((name) => ({ name, own: false })),
];

export async function digestFilesBeside(
  path: string,
): Promise<readonly (DigestFile & { readonly own: boolean })[]> {
  const found = await Promise.all(
    digestFilesOf(basename(path)).map(({ name, own }) => readDigestFile(join(dirname(path), name), own)),
  );
  return found.filter((file) => file !== undefined);
}

export async function readDigestFile(
  path: string,
  own: boolean,
): Promise<(DigestFile & { readonly own: boolean }) | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBeginning(path, LONGEST_DIGESTS);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  return bytes && { own, ...parsedDigestFile(basename(path), bytes) };
}

export const parsedDigestFile = (name: string, bytes: Uint8Array): DigestFile => ({
  name,
  digests: parseChecksums(Buffer.from(bytes.subarray(0, LONGEST_DIGESTS)).toString('utf8')),
});

/** What the files of digests beside a single file say against its digest. */
export function disagreement(
  files: readonly (DigestFile & { readonly own: boolean })[],
  file: string,
  hex: string,
): MusterError | undefined {
  for (const beside of files) {
    try {
      const expected = digestFor(beside, file);
      if (expected !== undefined && expected !== hex) return mismatch(beside.name);
    } catch (error) {
      if (isMusterError(error, 'checksum_mismatch')) return error;
      throw error;
    }
  }
  return undefined;
}

/** The digest that a file of digests gives for a file; undefined where it says nothing of it. @throws `checksum_mismatch`. */
function digestFor(file: DigestFile & { readonly own: boolean }, path: string): string | undefined {
  const { digests, own, name } = file;
  const named = [...digests].find(([listed]) => basename(listed) === basename(path))?.[1];
  if (named !== undefined || !own) return named;
  const [only] = digests.values();
  if (digests.size === 1 && only !== undefined) return only;
  throw new MusterError(
    'checksum_mismatch',
    `The file ${name} beside the backup holds no SHA-256 of it. Make it again with sha256sum, or remove it.`,
  );
}

export const mismatch = (file: string, path?: string): MusterError =>
  new MusterError(
    'checksum_mismatch',
    `The backup${path === undefined ? '' : `'s file ${path}`} does not match the SHA-256 in ${file} beside it. Look at how it was copied, or take another.`,
  );
