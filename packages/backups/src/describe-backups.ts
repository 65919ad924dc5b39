import { type ErrorCode, isEvidence, isMusterError } from '@muster/core';
import type { Artefact, BackupFacts, Engine } from '@muster/engines';
import { globalsOf } from './globals.js';
import type { Look } from './growing.js';
import { madeAt } from './made-at.js';
import { mapLimited } from './map-limited.js';
import type { Backup } from './repository.js';

/** What a repository asks the engine whose backups it lists. */
export type BackupReader = Pick<Engine, 'identify' | 'isDirectoryDump' | 'isOneDatabase' | 'isGlobalsName'>;

/** What may be a backup. */
export interface Candidate extends Pick<Backup, 'location' | 'artefact' | 'record'> {
  readonly look: Look;
  readonly growing?: true;
  /** Its head is not looked at now: that would cost too much. */
  readonly unseen?: true;
  /** `match` does not mean it: it counts as what lies beside backups, or not at all. */
  readonly beside?: true;
}

/** Heads read at once; each is an open file, or a connection. */
export const PARALLEL = 16;

/** Looks at the heads of all candidates, and tells the backups among them newest first, each with the globals of its cluster. */
export async function describeBackups(
  { identify, isGlobalsName }: BackupReader,
  candidates: readonly Candidate[],
  zone: string | undefined,
  signal: AbortSignal,
): Promise<readonly Backup[]> {
  const listed = await mapLimited(
    candidates,
    PARALLEL,
    async ({ artefact, location, look, growing, unseen, beside, record }) => {
      signal.throwIfAborted();
      const head = unseen || artefact.form === 'remote' ? UNSEEN : await headOf(identify, artefact, signal);
      if (head === 'gone') return undefined;
      const { facts, unsupported } = head;
      const { mtime } = look;
      const named = { id: artefact.name, mtime, ...(zone !== undefined && { zone }) };
      const isGlobals = facts?.globals ?? (!facts && !unsupported && isGlobalsName(artefact.name));
      if (isGlobals && (artefact.form === 'file' || artefact.form === 'flow'))
        return growing ? undefined : { globals: { artefact, location, mtime } };
      if (beside) return undefined;
      const known = { ...named, location, artefact, ...timesOf(named, facts) };
      const backup = { ...known, ...(record && { record }) };
      return { unsupported, backup: { ...backup, ...(growing && { growing }), ...(facts && { facts }) } };
    },
  );
  const found = listed.filter((entry) => entry !== undefined);
  const globals = globalsOf(found.flatMap((entry) => entry.globals ?? []));
  const backups = withoutUnsupported(found.flatMap((entry) => (entry.backup ? [entry] : [])));
  return newestFirst(backups).map((backup) => {
    const beside = globals(backup);
    return beside === undefined ? backup : { ...backup, globals: beside };
  });
}

const timesOf = (
  { id, mtime, zone }: Pick<Backup, 'id' | 'mtime' | 'zone'>,
  facts: BackupFacts | undefined,
) => {
  const made = madeAt({ header: facts?.createdAt, zoneless: facts?.zoneless, name: id, mtime, zone });
  return { createdAt: made.at, createdAtFrom: made.from };
};

/** A backup whose head was not looked at when it was listed, now that it was. */
export const withFacts = (backup: Backup, facts: BackupFacts): Backup => ({
  ...backup,
  ...timesOf(backup, facts),
  facts,
});

interface Head {
  readonly facts: BackupFacts | undefined;
  readonly unsupported: boolean;
}

const UNSEEN: Head = { facts: undefined, unsupported: false };

/** Not the fault of the backup, and yet its own: to drill it ends in that very reason. */
const ITS_OWN: ReadonlySet<ErrorCode> = new Set(['backup_archived', 'decrypt_failed', 'unsupported_dump']);

/** What cannot be identified is listed without facts: drilling it ends in that very reason. */
async function headOf(
  identify: BackupReader['identify'],
  artefact: Artefact,
  signal: AbortSignal,
): Promise<Head | 'gone'> {
  try {
    return { facts: await identify(artefact, signal), unsupported: false };
  } catch (error) {
    signal.throwIfAborted();
    // Removed or replaced since it was listed; a file that may not be read is told when it is drilled.
    if (artefact.form === 'flow' && isMusterError(error, 'backup_changed')) return 'gone';
    if (isEvidence(error) || (isMusterError(error) && (ITS_OWN.has(error.code) || artefact.form !== 'flow')))
      return { facts: undefined, unsupported: error.code === 'unsupported_dump' };
    throw error;
  }
}

interface Listed extends Pick<Head, 'unsupported'> {
  readonly backup: Backup;
}

/** Files for other purposes (a whole cluster by `pg_dumpall`) count only where there is nothing else. */
function withoutUnsupported(listed: readonly Listed[]): readonly Backup[] {
  const supported = listed.filter((entry) => !entry.unsupported);
  return (supported.length > 0 ? supported : listed).map((entry) => entry.backup);
}

function newestFirst(backups: readonly Backup[]): readonly Backup[] {
  return backups.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
}
