import { broken } from './broken.js';
import { isFuture } from './clock-skew.js';
import type { Predicate } from './statement.js';

/** Whether a backup is a set of a pgBackRest repository: only those are recovered from WAL. */
export const isPgbackrestSet = (backup: Predicate['backup']): boolean =>
  backup?.format?.startsWith('pgbackrest-') === true;

const isLive = (backup: Predicate['backup']): boolean => backup?.location.startsWith('live:') === true;

/** What is said of a backup contradicts where it was, or when the drill was. */
export function backupFaults(predicate: Predicate): string[] {
  const { backup, newest_backup: newest, source, issued_at: issuedAt } = predicate;
  if (backup === undefined) return [];
  const issued = new Date(issuedAt);
  return [
    ...broken([
      [
        [backup, newest].every(
          (one) => one?.created_at === undefined || !isFuture(new Date(one.created_at), issued),
        ),
        'a backup was made after the drill of it',
      ],
      [
        backup.created_at_from === undefined || isLive(backup) === (backup.created_at_from === 'dump'),
        'when it was made is known from a dump of the drill itself, and only a live source has that',
      ],
      [
        newest === undefined || (!isLive(backup) && newest.created_at_from !== 'dump'),
        'a live source has no newest backup',
      ],
      [
        newest?.id !== backup.id ||
          backup.created_at === undefined ||
          (newest.created_at === backup.created_at && newest.created_at_from === backup.created_at_from),
        'the newest backup is the one that was drilled, and was made at another time',
      ],
      [!isPgbackrestSet(backup) || source.kind === 'postgres', 'a set of pgBackRest is of PostgreSQL alone'],
    ]),
    ...globalsFaults(predicate),
  ];
}

/** Globals are a file of their own, which is read whole before what they lie beside. */
function globalsFaults({ backup, restore }: Predicate): string[] {
  const globals = backup?.globals;
  if (globals === undefined) return [];
  return broken([
    [
      restore === undefined || globals.sha256 !== undefined,
      'the backup was restored, and its globals have no digest',
    ],
    [
      (globals.sha256 === undefined) === (globals.size_bytes === undefined),
      'the globals have not both digest and size',
    ],
    [globals.id !== backup?.id, 'the backup is its own globals'],
    [!isPgbackrestSet(backup) && !isLive(backup), 'only a dump that is stored has globals beside it'],
  ]);
}
