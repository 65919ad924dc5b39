import {
  type Draw,
  drawBackup,
  drillTime,
  type ListedBackup,
  MusterError,
  type RestorePoint,
  randomWindow,
  readLsn,
  restoreTime,
} from '@muster/core';
import type { Backup } from './repository.js';
import { requirePast } from './require-past.js';

/** How many names a message lists. */
const SHOWN = 5;

/** The drill that asks, and where was looked. */
export interface Selecting {
  readonly drillId: string;
  /** Of whom is no drill: when it asks; else the drill's id tells. */
  readonly askedAt?: Date;
  readonly location: string;
  readonly now: Date;
}

const askedAt = ({ drillId, askedAt: at }: Selecting): Date => at ?? drillTime(drillId);

export interface Selected {
  readonly backup: Backup;
  /** The newest that there is, whichever was selected. */
  readonly newest: Backup;
  /** Of a random choice: the listing that it was drawn from. */
  readonly listing?: Pick<Draw, 'listing' | 'listingSha256'>;
  /** Of a point in WAL whose place is not known: where it may lie if not behind `backup`, newest first. */
  readonly older?: readonly Backup[];
}

/**
 * The one backup that a restore point means. What is still being written is never meant.
 * @param backups newest first.
 * @throws `no_backup`, `no_backup_in_window`, `no_backup_before`, `backup_unfinished`, naming where was looked and what
 *   there is; `future_dated` whichever is meant.
 */
export function selectBackup(backups: readonly Backup[], point: RestorePoint, asking: Selecting): Selected {
  const whole = backups.filter(({ growing }) => !growing);
  const [newest] = whole;
  if (newest !== undefined) requirePast(newest, asking.now);
  const chosen = choose(whole, point, asking);
  if (newest !== undefined && chosen !== undefined) return { newest, ...chosen };
  throw noneOf(backups, whole, point, asking);
}

type Chosen = Omit<Selected, 'newest'>;

function choose(backups: readonly Backup[], point: RestorePoint, asking: Selecting): Chosen | undefined {
  const only = (backup: Backup | undefined): Chosen | undefined => backup && { backup };
  switch (point.kind) {
    case 'latest':
      return only(backups.at(0));
    case 'oldest':
      return only(backups.at(-1));
    case 'id':
      return only(backups.find((backup) => backup.id === point.id));
    case 'time': {
      const by = restoreTime(point.time, askedAt(asking));
      return only(by && backups.find(({ createdAt, wholeAt }) => (wholeAt ?? createdAt) <= by));
    }
    case 'lsn': {
      const by = readLsn(point.lsn);
      return only(ofOneCluster(backups).find((backup) => isWholeBy(backup, by)));
    }
    case 'xid':
    case 'name': {
      const [backup, ...older] = ofOneCluster(backups).slice(0, MOST_TRIED);
      return backup && { backup, older };
    }
    case 'random':
      return draw(withinDays(backups, point.days, askedAt(asking)), asking.drillId);
  }
}

/** In how many sets a point is looked for: each is restored for it, and all WAL after it replayed. */
const MOST_TRIED = 3;

/** Numbers in the WAL of another cluster, or of before its upgrade, mean something else. */
const ofOneCluster = (backups: readonly Backup[]): readonly Backup[] =>
  backups.filter(({ wal }) => wal !== undefined && wal.cluster === backups[0]?.wal?.cluster);

function isWholeBy({ wal }: Backup, by: bigint | undefined): boolean {
  const at = wal?.wholeAt === undefined ? undefined : readLsn(wal.wholeAt);
  return at !== undefined && by !== undefined && at <= by;
}

function withinDays(backups: readonly Backup[], days: number | undefined, at: Date): readonly Backup[] {
  if (days === undefined) return backups;
  const { from, to } = randomWindow(days, at);
  return backups.filter(({ createdAt }) => createdAt >= from && createdAt <= to);
}

function draw(backups: readonly Backup[], drillId: string): Chosen | undefined {
  const drawn = drawBackup(drillId, backups.map(listed));
  const backup = drawn && backups.find(({ id }) => id === drawn.drawn.id);
  if (drawn === undefined || backup === undefined) return undefined;
  const { listing, listingSha256 } = drawn;
  return { backup, listing: { listing, listingSha256 } };
}

const listed = ({ id, createdAt, artefact }: Backup): ListedBackup => ({
  id,
  created_at: createdAt.toISOString(),
  size_bytes: 'sizeBytes' in artefact ? artefact.sizeBytes : 0,
});

/** Why there is none. */
function noneOf(
  backups: readonly Backup[],
  whole: readonly Backup[],
  point: RestorePoint,
  asking: Selecting,
): MusterError {
  const { location } = asking;
  if (backups.length === 0) {
    return new MusterError(
      'no_backup',
      `No backup was found in ${location}: check that backups are written there (muster backup take takes one where the source has take), and backup.match if the source has one.`,
    );
  }
  const growing = backups.filter(({ id }) => point.kind !== 'id' || id === point.id);
  if (whole.length === 0 || growing.some((backup) => backup.growing && point.kind === 'id')) {
    return new MusterError(
      'backup_unfinished',
      `What there is in ${location} is still being written: ${shown(growing)}. Drill it when it is whole; best, let backups be written under another name and renamed then.`,
    );
  }
  const newest = `The newest there are: ${shown(whole)}.`;
  switch (point.kind) {
    case 'time': {
      const by = restoreTime(point.time, askedAt(asking))?.toISOString();
      const oldest = whole.at(-1);
      const of = oldest && `${oldest.id}, made ${oldest.createdAt.toISOString()}`;
      return new MusterError(
        'no_backup_before',
        `No backup in ${location} was made at or before ${by}. The oldest there is: ${of}.`,
      );
    }
    case 'lsn':
      return new MusterError(
        'no_backup_before',
        `No backup in ${location} was whole before the WAL location ${point.lsn}. ${newest}`,
      );
    case 'random':
      return new MusterError(
        'no_backup_in_window',
        `No backup in ${location} was made in the ${point.days} days before ${askedAt(asking).toISOString()}. ${newest}`,
      );
    default: {
      const named = point.kind === 'id' ? `of the id ${JSON.stringify(point.id)} ` : '';
      const count = backups.length === 1 ? '1 backup was' : `${backups.length} backups were`;
      return new MusterError('no_backup', `No backup ${named}is in ${location}: ${count} listed. ${newest}`);
    }
  }
}

function shown(backups: readonly Backup[]): string {
  const names = backups.slice(0, SHOWN).map(({ id }) => id);
  const more = backups.length - names.length;
  return `${names.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}
