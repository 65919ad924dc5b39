import { MusterError } from '@muster/core';
import type { PgbackrestFacts } from '@muster/engines';
import type { Backup, BackupRepository } from '../repository.js';
import type { S3Bounds } from '../s3-place.js';
import { manifestPassphrase, setsOf } from './backup-info.js';
import { directoryStore } from './directory-store.js';
import { readInfoFile } from './info-file.js';
import type { RepositoryPlace } from './repository-place.js';
import {
  infoPath,
  type ListedSet,
  type Owner,
  type RepositoryStore,
  readFirst,
  setPath,
} from './repository-store.js';
import { s3Store } from './s3-store.js';

export interface PgbackrestOptions {
  readonly stanza: string;
  /** For people, until the place is known. */
  readonly location: string;
  /** @throws `backup_unreadable`, `secret_unavailable`. */
  readonly place: (signal: AbortSignal) => Promise<RepositoryPlace>;
  /** Of a place in object storage. */
  readonly bounds?: S3Bounds | undefined;
}

/** The backup sets of one stanza, as its `backup.info` lists them. Needs no pgBackRest. */
export function createPgbackrestRepository(options: PgbackrestOptions): BackupRepository {
  const { stanza, location } = options;
  return {
    location,
    async list(signal) {
      signal.throwIfAborted();
      const place = await options.place(signal);
      const store = place.type === 's3' ? s3Store(place, options.bounds) : directoryStore(place.path);
      const { sets, owner } = await readSets(store, stanza, place.passphrase, signal);
      return sets
        .map((listed) => backupOf(store, listed, owner))
        .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
    },
  };
}

function backupOf(store: RepositoryStore, listed: ListedSet, owner: Owner): Backup {
  const { set } = listed;
  const facts: PgbackrestFacts = {
    format: `pgbackrest-${set.type}`,
    major: Number.parseInt(set.serverVersion, 10),
    serverVersion: set.serverVersion,
    toolVersion: set.toolVersion,
    createdAt: set.stoppedAt,
    cluster: `${set.serverVersion} ${set.systemId}`,
    databases: [],
    pgbackrest: {
      archiveId: set.archiveId,
      ...(set.wal && { wal: set.wal }),
      ...(set.stopLsn && { stopLsn: set.stopLsn }),
      ...(set.prior && { prior: set.prior }),
      hasPageErrors: set.hasPageErrors,
      owner,
    },
  };
  return {
    id: set.label,
    location: store.locationOf(setPath(listed)),
    mtime: set.stoppedAt,
    artefact: store.artefactOf(listed),
    createdAt: set.stoppedAt,
    // Its word is cut to the second.
    wholeAt: new Date(set.stoppedAt.getTime() + 1000),
    wal: { cluster: set.archiveId, ...(set.stopLsn && { wholeAt: set.stopLsn }) },
    createdAtFrom: 'header',
    ...(set.takeId !== undefined && { takeId: set.takeId }),
    facts,
  };
}

async function readSets(
  store: RepositoryStore,
  stanza: string,
  passphrase: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly sets: readonly ListedSet[]; readonly owner: Owner }> {
  const found = await readFirst(await store.withCopy(infoPath(stanza), signal), async (info) => {
    const file = await readInfoFile({ ...info, passphrase });
    const opening = { stanza, passphrase, manifestPassphrase: manifestPassphrase(file) };
    return { sets: setsOf(file, info.name).map((set) => ({ ...opening, set })), owner: info.owner };
  });
  if (found !== undefined) return found;
  throw new MusterError(
    'no_backup',
    `The repository ${store.name} has no stanza "${stanza}" with a backup: correct the stanza of the source, or where its repository is, or see what \`pgbackrest info\` says.`,
  );
}
