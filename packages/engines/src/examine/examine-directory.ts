import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { isEvidence, isMusterError, type MusterError, sha256 } from '@muster/core';
import { counting } from '../bytes/counting.js';
import { expander } from '../bytes/decompress.js';
import { readBackup } from '../bytes/feed.js';
import type { Wrapper } from '../bytes/wrapper.js';
import { backupChanged, changed } from './change.js';
import { digestFilesBeside, mismatch, readDigestFile } from './digest-file.js';
import type { Examined, ExamineOptions } from './examined.js';

/** What an engine knows of the files of a directory dump. All throw `truncated` or `corrupt`. */
export interface DirectoryCheck {
  /** What reads this file (its path is relative) to its end, or undefined where only its digest matters. */
  open(path: string): ((source: Readable, expand: Expand, signal: AbortSignal) => Promise<void>) | undefined;
  /** Every file has been read. */
  end(): void;
}

/** What is inside of a wrapper, bounded over all files of a dump. */
type Expand = (source: Readable, wrapper: Wrapper) => AsyncIterable<Buffer>;

/** Decompression runs beside the hashing, which takes one thread. */
const PARALLEL = 4;

/** Digest: SHA-256 over the lines that `sha256sum` prints of its files, sorted by the bytes of their paths. */
export async function examineDirectory(
  directory: string,
  check: DirectoryCheck,
  { onBytes, contentLimitBytes }: ExamineOptions,
  signal: AbortSignal,
): Promise<Examined> {
  const before = await filesOf(directory);
  const digests = new Map<string, string>();
  const faults = new Map<string, MusterError>();
  const expand = expander(contentLimitBytes);
  let seen = 0;
  const waiting = [...before.keys()];
  const work = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const { hex, fault } = await examineMember(directory, path, check, expand, signal, (bytes) => {
        seen += bytes;
        onBytes(seen);
      });
      digests.set(path, hex);
      if (fault !== undefined) faults.set(path, fault);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  const after = await filesOf(directory);
  const same = [...before].every(([path, facts]) => {
    const now = after.get(path);
    return now !== undefined && !changed(facts, now);
  });
  if (!same || after.size !== before.size) throw backupChanged();

  const paths = [...before.keys()];
  const sizeBytes = [...before.values()].reduce((sum, { size }) => sum + Number(size), 0);
  const lines = paths.map((path) => sumLine(digests.get(path) ?? '', path)).join('');
  const digest = sha256(lines);
  const fault =
    paths.map((path) => faults.get(path)).find((found) => found !== undefined) ??
    faultOf(() => check.end()) ??
    (await disagreement(directory, digests, digest.slice('sha256:'.length)));
  return { sha256: digest, sizeBytes, ...(fault === undefined ? {} : { fault }) };
}

/** Files below the directory, with their facts, sorted by the bytes of their paths. */
async function filesOf(directory: string): Promise<ReadonlyMap<string, BigIntStats>> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = found.map((entry) => relative(directory, join(entry.parentPath, entry.name)));
  const files = await Promise.all(
    paths.map(async (path) => [path, await stat(join(directory, path), { bigint: true })] as const),
  );
  return new Map(
    files
      .filter(([, facts]) => facts.isFile())
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
}

/** As sha256sum prints it: a path with a line feed or backslash is escaped, and the line then begins with one. */
function sumLine(hex: string, path: string): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === path ? '' : '\\'}${hex}  ${escaped}\n`;
}

async function examineMember(
  directory: string,
  path: string,
  check: DirectoryCheck,
  expand: Expand,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<{ readonly hex: string; readonly fault?: MusterError }> {
  const hash = createHash('sha256');
  const { stream } = counting(
    readBackup(join(directory, path), signal),
    () => undefined,
    (chunk) => {
      hash.update(chunk);
      onBytes(chunk.length);
    },
  );
  const read = check.open(path);
  try {
    if (read === undefined) for await (const _ of stream);
    else await read(stream, expand, signal);
    return { hex: hash.digest('hex') };
  } catch (error) {
    if (!isEvidence(error)) throw error;
    // The digest is of the whole file, also where its content ends early.
    return { hex: await hexOf(join(directory, path), signal), fault: error };
  }
}

async function hexOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readBackup(path, signal)) hash.update(chunk);
  return hash.digest('hex');
}

const faultOf = (check: () => void): MusterError | undefined => {
  try {
    check();
    return undefined;
  } catch (error) {
    if (isMusterError(error)) return error;
    throw error;
  }
};

/** Files of digests beside the directory (of its files, or of the digest that we make), and one within. */
async function disagreement(
  directory: string,
  digests: ReadonlyMap<string, string>,
  digest: string,
): Promise<MusterError | undefined> {
  const within = await readDigestFile(join(directory, 'SHA256SUMS'), false);
  const prefix = `${basename(directory)}/`;
  for (const { name, digests: listed, own } of [
    ...(await digestFilesBeside(directory)),
    ...(within ? [within] : []),
  ]) {
    for (const [path, hex] of listed) {
      const plain = path.replace(/^\.\//, '');
      const at = plain.startsWith(prefix) ? 0 : plain.indexOf(`/${prefix}`) + 1;
      const inside = plain.startsWith(prefix) || at > 0 ? plain.slice(at + prefix.length) : undefined;
      const member = inside ?? (own || within?.digests === listed ? plain : undefined);
      if (member === undefined) continue;
      const actual = member === '' || member === basename(directory) ? digest : digests.get(member);
      if (actual !== hex) return mismatch(name, member === '' ? undefined : member);
    }
  }
  return undefined;
}
