import { type ErrorCode, MusterError } from '@muster/core';
import { faultsIn } from '@muster/engines';

/** Numbers are those of pgBackRest's own list of errors (src/build/error/error.yaml). */
const FILE_INVALID = 28;
const LOCK = 50;
const BACKUP_MISMATCH = 51;
const ACCESS = new Set([41, 42, 47, 53, 61, 64, 73, 105]);
const CONNECT = new Set([49, 56, 59]);
const DATABASE = new Set([57, 58, 80, 81]);
const STOPPED = 62;
const ARCHIVE = new Set([68, 82, 87]);
const CRYPTO = 95;
const OPTIONS = new Set([27, 31, 32, 33, 34, 37]);
const NO_SUCH_PROGRAM = 127;
const DENIED = /Permission denied/;

/**
 * What it means that pgBackRest ended so on this machine: `tool_missing`, `stanza_missing`, `take_overrun` (another
 * pgBackRest works at the stanza), `archiving_failed`, `no_space`, `take_unwritable`, `source_unreachable`,
 * `credentials_refused`, `decrypt_failed`, else `take_failed`.
 */
export function toolFault(
  printed: string,
  exitCode: number,
  { stanza, command }: { readonly stanza: string; readonly command: string },
): MusterError {
  const [first] = faultsIn(printed);
  const number = first?.code ?? exitCode;
  const [code, why] = meaningOf(number, printed, stanza);
  return new MusterError(code, `pgBackRest did no ${command} of the stanza "${stanza}" (${number}): ${why}`, {
    output: printed,
  });
}

function meaningOf(number: number, said: string, stanza: string): readonly [ErrorCode, string] {
  if (number === NO_SUCH_PROGRAM)
    return [
      'tool_missing',
      'there is no pgbackrest on this machine. Install it where the database or its repository is (apt-get install pgbackrest), and let the workers of take.pool run there.',
    ];
  if (number === CRYPTO || /CryptoError|FormatError/.test(said))
    return [
      'decrypt_failed',
      'what the repository says of its backups cannot be read: it is encrypted with another passphrase, with none, or damaged. See what `pgbackrest info` says.',
    ];
  if (/has a stanza-create been performed/.test(said))
    return [
      'stanza_missing',
      `the repository does not have it. Make it once, as the owner of the server: pgbackrest --stanza=${stanza} stanza-create.`,
    ];
  if (/does this stanza exist\?/.test(said))
    return [
      'stanza_missing',
      `its configuration has no such stanza. Correct the stanza of the source, or name it there ([${stanza}] with pg1-path) and make it once, as the owner of the server: pgbackrest --stanza=${stanza} stanza-create.`,
    ];
  if (/No space left on device/.test(said))
    return ['no_space', 'the place of the repository is full. Make room, or keep fewer backups.'];
  if (/\b40[13] \(|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId/.test(said))
    return ['credentials_refused', 'the storage of the repository refused the credentials.'];
  if (number === FILE_INVALID || number === BACKUP_MISMATCH)
    return [
      'stanza_missing',
      'the stanza in the repository is that of another cluster. Correct the stanza, or after an upgrade of PostgreSQL: pgbackrest stanza-upgrade.',
    ];
  if (number === LOCK && !DENIED.test(said))
    return ['take_overrun', 'another pgBackRest works at it on this machine. Try again once it is done.'];
  if (number === STOPPED)
    return ['take_unwritable', '`pgbackrest stop` is in force. Lift it with: pgbackrest start.'];
  if (ARCHIVE.has(number))
    return [
      'archiving_failed',
      `WAL does not arrive in the repository, so no backup can be whole. See archive_mode = on and archive_command = 'pgbackrest --stanza=${stanza} archive-push %p' of the server, and its log.`,
    ];
  if (CONNECT.has(number))
    return [
      'source_unreachable',
      'the server did not answer. See that it runs, and that connection (or pg1-socket-path, pg1-port, pg1-user) is how to reach it from here.',
    ];
  if (DATABASE.has(number))
    return [
      'take_failed',
      'the server refused what a backup needs. See that data_directory (pg1-path) is its own, and that its user may run pg_backup_start.',
    ];
  if (ACCESS.has(number) || DENIED.test(said))
    return [
      'take_unwritable',
      'files of the server, of the repository or the lock directory could not be used. Run Muster as the owner of the data directory, or as root.',
    ];
  if (OPTIONS.has(number))
    return ['take_failed', 'its configuration is not one that it takes; its own words are in the output.'];
  return ['take_failed', 'its own words are in the output.'];
}
