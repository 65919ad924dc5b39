import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import type { PgbackrestFacts } from '@muster/engines';
import type { Backup, BackupRepository } from '../repository.js';
import { type BackupSet, setsOf } from './backup-info.js';
import { readInfoFile } from './info-file.js';

/** Where a repository is, and what opens it. */
export interface RepositoryPlace {
  /** The absolute directory of the repository. */
  readonly path: string;
  readonly passphrase?: string;
}

export interface PgbackrestOptions {
  readonly stanza: string;
  /** For people, until the place is known. */
  readonly location: string;
  /** @throws `backup_unreadable`, `secret_unavailable`. */
  readonly place: () => Promise<RepositoryPlace>;
}

/** The backup sets of one stanza, as its `backup.info` lists them. Needs no pgBackRest. */
export function createPgbackrestRepository({ stanza, location, place }: PgbackrestOptions): BackupRepository {
  return {
    location,
    async list(signal) {
      signal.throwIfAborted();
      const opened = { stanza, ...(await place()) };
      await requireRepository(opened.path);
      const { sets, owner } = await readSets(opened);
      return sets
        .map((set) => backupOf(opened, set, owner))
        .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
    },
  };
}

interface Opened extends RepositoryPlace {
  readonly stanza: string;
}

type Owner = PgbackrestFacts['pgbackrest']['owner'];

function backupOf({ path, stanza, passphrase }: Opened, set: BackupSet, owner: Owner): Backup {
  const facts: PgbackrestFacts = {
    format: `pgbackrest-${set.type}`,
    major: Number.parseInt(set.serverVersion, 10),
    serverVersion: set.serverVersion,
    toolVersion: set.toolVersion,
    createdAt: set.stoppedAt,
    databases: [],
    pgbackrest: {
      archiveId: set.archiveId,
      ...(set.wal && { wal: set.wal }),
      hasPageErrors: set.hasPageErrors,
      owner,
    },
  };
  return {
    id: set.label,
    location: pathToFileURL(join(path, 'backup', stanza, set.label)).href,
    mtime: set.stoppedAt,
    artefact: {
      form: 'repository',
      name: set.label,
      path,
      stanza,
      sizeBytes: set.sizeBytes,
      ...(passphrase !== undefined && { passphrase: () => passphrase }),
    },
    createdAt: set.stoppedAt,
    // Its word is cut to the second.
    wholeAt: new Date(set.stoppedAt.getTime() + 1000),
    wal: { cluster: set.archiveId, ...(set.stopLsn && { wholeAt: set.stopLsn }) },
    createdAtFrom: 'header',
    facts,
  };
}

async function requireRepository(path: string): Promise<void> {
  const status = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw unreadable(path, error);
    throw new MusterError(
      // Nothing was looked at, so nothing is known of the backups.
      'backup_unreadable',
      `There is no pgBackRest repository ${path}: see whether its volume is mounted, or set repo.path of the source to its directory (repo1-path).`,
      { cause: error },
    );
  });
  if (status.isDirectory()) return;
  throw new MusterError(
    'backup_unreadable',
    `${path} is no directory: set repo.path of the source to that of the repository (repo1-path).`,
  );
}

/** `backup.info`, or its copy where the first is not there or damaged, as pgBackRest does. */
async function readSets({
  path,
  stanza,
  passphrase,
}: Opened): Promise<{ readonly sets: readonly BackupSet[]; readonly owner: Owner }> {
  let fault: MusterError | undefined;
  for (const name of ['backup.info', 'backup.info.copy']) {
    const file = join(path, 'backup', stanza, name);
    try {
      const bytes = await readFile(file);
      const sets = setsOf(readInfoFile(bytes, file, passphrase), file);
      const { uid, gid } = await stat(file);
      return { sets, owner: { uid, gid } };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') continue;
      if (!isMusterError(error)) throw unreadable(file, error);
      if (error.code !== 'corrupt') throw error;
      fault ??= error;
    }
  }
  throw (
    fault ??
    new MusterError(
      'no_backup',
      `The repository ${path} has no stanza "${stanza}" with a backup: correct the stanza of the source, or see what \`pgbackrest info\` says.`,
    )
  );
}

function unreadable(path: string, error: unknown): MusterError {
  return new MusterError(
    'backup_unreadable',
    `${path} could not be read (${errnoOf(error) ?? 'unknown fault'}): give the user that runs Muster the right to read it, for example by the group of the repository.`,
    { cause: error },
  );
}
