import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import type { Artefact, BackupFacts, Engine } from '@muster/engines';
import picomatch from 'picomatch';
import { findGrowing, type Look } from './growing.js';
import { madeAt } from './made-at.js';
import type { Backup, BackupRepository } from './repository.js';

/** What a repository asks the engine whose backups it lists. */
export type BackupReader = Pick<Engine, 'identify' | 'isDirectoryDump'>;

export interface DirectoryOptions {
  /** Absolute. */
  readonly directory: string;
  /** A glob over names in the directory; absent = every format the engine reads. */
  readonly match: string | undefined;
  readonly engine: BackupReader;
  /** Between two looks at files that may still be written. Default: a timer. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Never a backup, whatever the pattern says: still being written, or hidden. */
const HALF_WRITTEN = /^\.|\.(tmp|part|partial|crdownload|filepart|swp)$|~$/i;

/**
 * Beside backups by custom, and never one. Everything else that cannot be identified is listed all the same: to skip
 * a newest file because it is damaged would prove the wrong backup.
 */
const BESIDE_BACKUPS =
  /\.(sha256|sha512|sha1|md5|sum|asc|sig|minisig|log|txt|md|html?|json|ya?ml|toml|ini|conf|csv|sh|py|lock|pid|pem|key|pub)$|^(SHA256SUMS|MD5SUMS|README|LOCK)$/i;

/** Heads read at once; each is an open file. */
const PARALLEL = 16;

/** The backups in one directory: dump files, and sub-directories that are directory-format dumps. */
export function createDirectoryRepository(options: DirectoryOptions): BackupRepository {
  const location = pathToFileURL(options.directory).href;
  return {
    location,
    async list(signal) {
      const names = (await entriesOf(options)).filter((name) => !HALF_WRITTEN.test(name));
      const isMatch = options.match === undefined ? undefined : picomatch(options.match);
      const wanted = names.filter((name) => (isMatch ? isMatch(name) : !BESIDE_BACKUPS.test(name)));
      const listed = await mapLimited(wanted, PARALLEL, (name) =>
        describe(options, name, isMatch !== undefined, signal),
      );
      const found = listed.filter((entry) => entry !== undefined);
      const growing = await findGrowing(
        found,
        async ({ backup }) => (await artefactAt(options, backup.id, isMatch !== undefined))?.look,
        { now: new Date(), pause: (ms) => (options.pause ?? pauseFor)(ms, signal) },
      );
      const marked = found.map((entry) => (growing.has(entry) ? asGrowing(entry) : entry));
      return newestFirst(withoutUnsupported(marked));
    },
  };
}

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> => setTimeout(ms, undefined, { signal });

interface Listed {
  readonly backup: Backup;
  readonly look: Look;
  readonly unsupported: boolean;
}

async function describe(
  options: DirectoryOptions,
  name: string,
  matched: boolean,
  signal: AbortSignal,
): Promise<Listed | undefined> {
  signal.throwIfAborted();
  const found = await artefactAt(options, name, matched);
  if (found === undefined) return undefined;
  const { artefact, look } = found;
  const { facts, unsupported } = await headOf(options.engine, artefact, signal);
  const made = madeAt({ header: facts?.createdAt, name, mtime: look.mtime });
  return {
    look,
    unsupported,
    backup: { id: name, artefact, createdAt: made.at, createdAtFrom: made.from, ...(facts && { facts }) },
  };
}

const asGrowing = (entry: Listed): Listed => ({ ...entry, backup: { ...entry.backup, growing: true } });

/** What cannot be identified is listed without facts: drilling it ends in that very reason. */
async function headOf(
  { identify }: BackupReader,
  artefact: Artefact,
  signal: AbortSignal,
): Promise<{ facts: BackupFacts | undefined; unsupported: boolean }> {
  try {
    return { facts: await identify(artefact, signal), unsupported: false };
  } catch (error) {
    signal.throwIfAborted();
    if (!isMusterError(error)) throw error;
    return { facts: undefined, unsupported: error.code === 'unsupported_dump' };
  }
}

/** Files for other purposes (the globals of `pg_dumpall`) count only where there is nothing else. */
function withoutUnsupported(listed: readonly Listed[]): readonly Backup[] {
  const supported = listed.filter((entry) => !entry.unsupported);
  return (supported.length > 0 ? supported : listed).map((entry) => entry.backup);
}

function newestFirst(backups: readonly Backup[]): readonly Backup[] {
  return backups.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
}

async function artefactAt(
  { directory, engine }: DirectoryOptions,
  name: string,
  matched: boolean,
): Promise<{ readonly artefact: Artefact; readonly look: Look } | undefined> {
  try {
    const path = await realpath(join(directory, name));
    const status = await stat(path);
    if (status.isFile()) return found({ form: 'file', name, path, sizeBytes: status.size }, status.mtime);
    if (!status.isDirectory()) return undefined;
    const files = await filesIn(path);
    if (!engine.isDirectoryDump(files) && !matched) return undefined;
    const facts = await mapLimited(files, PARALLEL, (file) => stat(join(path, file)));
    const sizeBytes = facts.reduce((sum, { size }) => sum + size, 0);
    return found({ form: 'directory', name, path, sizeBytes }, latest([status, ...facts]));
  } catch (error) {
    // Gone between listing and looking, or a dangling link: it is not there.
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw unreadable(join(directory, name), error);
  }
}

const found = (artefact: Extract<Artefact, { sizeBytes: number }>, mtime: Date) => ({
  artefact,
  look: { sizeBytes: artefact.sizeBytes, mtime },
});

/** Paths of the files in a directory, and in directories in it: no dump goes deeper. */
async function filesIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const inner = await mapLimited(entries.filter(isDirectory), PARALLEL, async ({ name }) => {
    // Of a dump, what cannot be read is told when it is read; of another directory it is no matter.
    const members = await readdir(join(directory, name), { withFileTypes: true }).catch(() => []);
    return members.filter(isFile).map((entry) => `${name}/${entry.name}`);
  });
  return [...entries.filter(isFile).map(({ name }) => name), ...inner.flat()];
}

const isFile = (entry: Dirent): boolean => entry.isFile();
const isDirectory = (entry: Dirent): boolean => entry.isDirectory();

const latest = (facts: readonly Stats[]): Date =>
  new Date(Math.max(...facts.map(({ mtime }) => mtime.getTime())));

async function entriesOf({ directory, engine }: DirectoryOptions): Promise<readonly string[]> {
  const names = await namesIn(directory);
  // Its members would pass for backups, and damaged ones.
  if (engine.isDirectoryDump(names)) throw noDirectoryOfBackups(directory);
  return names;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOTDIR') throw noDirectoryOfBackups(directory, error);
    if (code === 'ENOENT') {
      throw new MusterError(
        'no_backup',
        `There is no directory ${directory}: set backup.location of the source to where its dumps are.`,
        { cause: error },
      );
    }
    throw unreadable(directory, error);
  }
}

/** A slip in the configuration says nothing about the backup. */
function noDirectoryOfBackups(path: string, cause?: unknown): MusterError {
  return new MusterError(
    'backup_unreadable',
    `${path} is no directory of backups: set backup.location of the source to the directory that holds them, such as ${dirname(path)}.`,
    { cause },
  );
}

function unreadable(path: string, error: unknown): MusterError {
  return new MusterError(
    'backup_unreadable',
    `${path} could not be read (${errnoOf(error) ?? 'unknown fault'}): give the user that runs Muster the right to read it.`,
    { cause: error },
  );
}

/** Like `Promise.all(items.map(work))`, at most `limit` at once, results in the order of `items`. */
async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results.set(index, await work(item));
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}
