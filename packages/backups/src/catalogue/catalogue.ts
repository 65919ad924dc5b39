import { type BackupRecord, type CatalogueEntry, isMusterError, MOST_CATALOGUED } from '@muster/core';
import { isPgbackrestFacts } from '@muster/engines';
import { mapLimited } from '../map-limited.js';
import type { Backup, BackupRepository } from '../repository.js';
import type { OwnBackups } from '../retain/own-backups.js';

/** Of so many of the newest the records are read: of older ones it is not known whose they are. */
const MOST_RECORDS = 200;
/** Reads of records at once. */
const AT_ONCE = 8;

export interface Catalogued {
  readonly location: string;
  /** The newest so many, newest first. */
  readonly backups: readonly CatalogueEntry[];
  /** How many there are. */
  readonly count: number;
}

/**
 * What backups there are, and what each is, as far as their heads and the records beside them say. Nothing is read as a whole.
 * @param own - absent of a repository of pgBackRest, which has records of its own. @throws what listing throws.
 */
export async function catalogueOf(
  repository: BackupRepository,
  own: Pick<OwnBackups, 'recordOf'> | undefined,
  signal: AbortSignal,
): Promise<Catalogued> {
  const listed = await repository.list(signal);
  const priors = new Map(listed.map((backup) => [backup.id, priorOf(backup)]));
  const told = [...listed.slice(0, MOST_CATALOGUED).entries()];
  const backups = await mapLimited(told, AT_ONCE, async ([index, backup]) => {
    const isRead = own !== undefined && index < MOST_RECORDS && !backup.growing;
    const record = isRead ? await recordOf(own, backup.id, signal) : 'unread';
    return entryOf(backup, record, chainOf(backup.id, priors));
  });
  return { location: repository.location, backups, count: listed.length };
}

type Found = BackupRecord | 'unreadable' | 'unread' | undefined;

/** What one record hides is no reason to list nothing. */
async function recordOf(own: Pick<OwnBackups, 'recordOf'>, id: string, signal: AbortSignal): Promise<Found> {
  try {
    return await own.recordOf(id, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isMusterError(error)) return 'unreadable';
    throw error;
  }
}

function entryOf(backup: Backup, found: Found, chain: readonly string[]): CatalogueEntry {
  const { id, location, artefact, facts, growing } = backup;
  const record = typeof found === 'object' && found.backup.id === id ? found : undefined;
  return {
    id,
    location,
    created_at: backup.createdAt.toISOString(),
    created_at_from: backup.createdAtFrom,
    ...('sizeBytes' in artefact && { size_bytes: artefact.sizeBytes }),
    ...(facts && { format: facts.format }),
    ...(facts?.toolVersion && { tool_version: facts.toolVersion }),
    ...(facts?.serverVersion && { server_version: facts.serverVersion }),
    state: growing ? 'writing' : 'whole',
    origin: originOf(found, record),
    ...(record && { sha256: record.backup.sha256 as `sha256:${string}` }),
    ...(record?.take && { take: record.take }),
    ...(record?.fidelity && { fidelity: record.fidelity.level }),
    ...setOf(backup, chain),
  };
}

function originOf(found: Found, record: BackupRecord | undefined): CatalogueEntry['origin'] {
  if (found === undefined) return 'other';
  if (record === undefined) return 'unknown';
  return record.take === undefined ? 'described' : 'muster';
}

function setOf({ facts }: Backup, chain: readonly string[]): Pick<CatalogueEntry, 'set'> {
  if (facts === undefined || !isPgbackrestFacts(facts)) return {};
  const { archiveId, wal, hasPageErrors } = facts.pgbackrest;
  return {
    set: {
      chain: [...chain],
      ...(wal && { wal: { archive: archiveId, ...wal } }),
      ...(hasPageErrors && { has_page_errors: true }),
    },
  };
}

const priorOf = ({ facts }: Backup): string | undefined =>
  facts !== undefined && isPgbackrestFacts(facts) ? facts.pgbackrest.prior : undefined;

/** The full one first. */
function chainOf(id: string, priors: ReadonlyMap<string, string | undefined>): readonly string[] {
  const chain: string[] = [];
  // What names itself would be followed for ever.
  for (let prior = priors.get(id); prior !== undefined && !chain.includes(prior); prior = priors.get(prior))
    chain.unshift(prior);
  return chain;
}
