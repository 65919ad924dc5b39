import { MusterError, RECORD_SUFFIX } from '@muster/core';
import { isBackupName } from '../names.js';

/** What a take calls its backup but for its time. */
export interface TakeNaming {
  /** Absent where all of them are dumped: then the source's slug. */
  readonly database: string;
  /** `.dump`, `.dir`, `.archive.gz`. */
  readonly extension: '.dump' | '.dir' | '.archive.gz';
  readonly encrypted: boolean;
}

/** A clock that was set back, or another take in this very second: so many seconds on, a name is free. */
const MOST_SECONDS = 60;

/** `<database>_YYYYMMDDTHHMMSSZ<extension>` at `from`, and the names of the seconds after it. */
export function* takeNames(naming: TakeNaming, from: Date): Generator<string, void, undefined> {
  for (let second = 0; second < MOST_SECONDS; second += 1)
    yield takeName(naming, new Date(from.getTime() + second * 1000));
}

export function takeName({ database, extension, encrypted }: TakeNaming, at: Date): string {
  const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${safeName(database)}_${stamp}${extension}${encrypted ? '.age' : ''}`;
}

/** Whether this is a name that a take gives to backups of the same, at any time. */
export function isTakeName(naming: TakeNaming, name: string): boolean {
  const [before = '', after = ''] = takeName(naming, new Date(0)).split(/_19700101T000000Z/);
  return (
    name.startsWith(`${before}_`) &&
    name.endsWith(after) &&
    /^\d{8}T\d{6}Z$/.test(name.slice(before.length + 1, name.length - after.length))
  );
}

/** What a file system, a shell or a URL may read otherwise is written as the bytes that it is: `%20`. */
const safeName = (database: string): string =>
  [...Buffer.from(database)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const isSafe = /[A-Za-z0-9_.-]/.test(character) && !(index === 0 && /[.-]/.test(character));
      return isSafe ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

/** @throws `config_invalid` where `match` of the source would not list it. */
export function requireListed(name: string, match: string | undefined): void {
  if (isBackupName(match)(name)) return;
  const why =
    match === undefined
      ? 'such names are never those of backups'
      : `backup.match of the source (${JSON.stringify(match)}) does not mean it`;
  throw new MusterError(
    'config_invalid',
    `The backup would be called ${name}, and ${why}, so that nothing would ever see it: correct backup.match.`,
  );
}

/** While a take is under way its backup's name is reserved by this one, which no listing shows. */
export const slotName = (name: string): string => `.${name}${SLOT_SUFFIX}`;

const SLOT_SUFFIX = '.muster-take';

/** The inverse of {@link slotName}; undefined for any other. */
export const nameOfSlot = (slot: string): string | undefined =>
  slot.startsWith('.') && slot.endsWith(SLOT_SUFFIX) && slot.length > 1 + SLOT_SUFFIX.length
    ? slot.slice(1, -SLOT_SUFFIX.length)
    : undefined;

/** All that a take makes under the name of its backup. */
export const namesOf = (name: string): readonly string[] => [name, `${name}${RECORD_SUFFIX}`, slotName(name)];
