import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { errnoOf, MusterError, RECORD_SUFFIX, unreadable } from '@muster/core';
import type { DirectoryArtefact, FileArtefact } from '@muster/engines';
import type { AgeKeys } from './age.js';
import { type BackupReader, type Candidate, describeBackups, PARALLEL } from './describe-backups.js';
import { encryptionOf, flowOf } from './flow.js';
import { findGrowing, type Look } from './growing.js';
import { mapLimited } from './map-limited.js';
import { namesBeside, namesOfBackups } from './names.js';
import { isPartOfDump, noDirectoryOfBackups } from './no-directory-of-backups.js';
import type { BackupRepository } from './repository.js';
import { recordAt } from './retain/read-record.js';
import { storedFile } from './stored-file.js';

export interface DirectoryOptions {
  /** Absolute. */
  readonly directory: string;
  /** A glob over names in the directory; absent = every format the engine reads. */
  readonly match: string | undefined;
  /** The zone of times in headers and names that do not say theirs (IANA). Absent = UTC. */
  readonly zone?: string | undefined;
  readonly engine: BackupReader;
  /** Between two looks at files that may still be written. Default: a timer. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Asked when a file is opened that is encrypted. Absent = none is. */
  readonly keys?: (() => Promise<AgeKeys>) | undefined;
}

/** The backups in one directory: dump files, and sub-directories that are directory-format dumps. */
export function createDirectoryRepository(options: DirectoryOptions): BackupRepository {
  const location = pathToFileURL(options.directory).href;
  return {
    location,
    async list(signal) {
      const there = await entriesOf(options);
      const wanted = namesOfBackups(there, options.match, location);
      const beside = new Set(namesBeside(there, wanted, options.engine.isGlobalsName));
      const listing = { ...options, location, there: new Set(there) };
      const listed = await mapLimited([...wanted, ...beside], PARALLEL, (name) =>
        candidateAt(listing, name, signal),
      );
      const found = listed
        .filter((entry) => entry !== undefined)
        .map((entry) => (beside.has(entry.artefact.name) ? { ...entry, beside: true as const } : entry));
      const part = found.find(({ isPart }) => isPart)?.artefact.name;
      if (part !== undefined) {
        const holder = dirname(options.directory);
        throw noDirectoryOfBackups(options.directory, { holder, part });
      }
      const growing = await findGrowing(
        found,
        async ({ artefact }) => (await artefactAt(options, artefact.name))?.look,
        { now: new Date(), pause: (ms) => (options.pause ?? pauseFor)(ms, signal) },
      );
      const marked = found.map((entry) =>
        growing.has(entry) ? { ...entry, growing: true as const } : entry,
      );
      return describeBackups(options.engine, marked, options.zone, signal);
    },
  };
}

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> => setTimeout(ms, undefined, { signal });

interface Listing extends DirectoryOptions {
  readonly location: string;
  readonly there: ReadonlySet<string>;
}

async function candidateAt(
  options: Listing,
  name: string,
  signal: AbortSignal,
): Promise<(Candidate & { readonly isPart?: boolean }) | undefined> {
  signal.throwIfAborted();
  const found = await artefactAt(options, name);
  if (found === undefined) return undefined;
  const path = join(options.directory, `${name}${RECORD_SUFFIX}`);
  const placed = {
    location: `${options.location}/${encodeURIComponent(name)}`,
    ...(options.there.has(basename(path)) && { record: (stop: AbortSignal) => recordAt(path, stop) }),
  };
  const { artefact } = found;
  if (options.keys === undefined || artefact.form !== 'file') return { ...found, ...placed };
  const stored = storedFile(artefact, options.there);
  // What cannot be read is told when it is drilled.
  const encryption = await encryptionOf(stored, signal).catch(() => 'none');
  if (encryption === 'none') return { ...found, ...placed };
  const flow = { ...found, ...placed, artefact: flowOf(stored, options.keys) };
  return encryption === 'passphrase' ? { ...flow, unseen: true } : flow;
}

interface Found {
  readonly artefact: FileArtefact | DirectoryArtefact;
  readonly look: Look;
  /** Of a dump which the directory that is looked at is itself. */
  readonly isPart?: boolean;
}

async function artefactAt(
  { directory, engine, match }: DirectoryOptions,
  name: string,
): Promise<Found | undefined> {
  try {
    const path = await realpath(join(directory, name));
    const status = await stat(path);
    if (status.isFile()) return found({ form: 'file', name, path, sizeBytes: status.size }, status.mtime);
    if (!status.isDirectory()) return undefined;
    const files = await filesIn(path);
    if (!engine.isDirectoryDump(files) && match === undefined) return undefined;
    const facts = await mapLimited(files, PARALLEL, (file) => stat(join(path, file)));
    const sizeBytes = facts.reduce((sum, { size }) => sum + size, 0);
    return {
      ...found({ form: 'directory', name, path, sizeBytes }, latest([status, ...facts])),
      isPart: isPartOfDump(engine, [name, basename(path)], files),
    };
  } catch (error) {
    // Gone between listing and looking, or a dangling link: it is not there.
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw unreadable(join(directory, name), error);
  }
}

const found = (artefact: FileArtefact | DirectoryArtefact, mtime: Date) => ({
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
  if (engine.isDirectoryDump(names)) throw noDirectoryOfBackups(directory, { holder: dirname(directory) });
  return names;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOTDIR')
      throw noDirectoryOfBackups(directory, { holder: dirname(directory), cause: error });
    if (code === 'ENOENT') {
      throw new MusterError(
        // As of an absent bucket: nothing was looked at, so nothing is known of the backups.
        'backup_unreadable',
        `There is no directory ${directory}: see whether its volume is mounted, or set backup.location of the source to where its dumps are.`,
        { cause: error },
      );
    }
    throw unreadable(directory, error);
  }
}
