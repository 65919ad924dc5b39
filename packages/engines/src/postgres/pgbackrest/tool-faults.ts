import { type ErrorCode, MusterError } from '@muster/core';

/** One complaint of pgBackRest: `ERROR: [055]: …`. The text may hold paths and is for the diagnosis file. */
export interface ToolFault {
  readonly code: number;
  readonly text: string;
}

/** Numbers are those of pgBackRest's own list of errors (src/build/error/error.yaml). */
const CHECKSUM = 26;
const FILE_INVALID = 28;
const FORMAT = 29;
const OPTION_INVALID = new Set([31, 32, 33, 34, 37]);
const FILE_OPEN = 41;
const FILE_READ = 42;
const VERSION_NOT_SUPPORTED = 46;
const PATH_OPEN = 53;
const FILE_MISSING = 55;
const BACKUP_SET_INVALID = 75;
const CRYPTO = 95;

const FAULT = /ERROR: \[(\d{3})\]: (.*)/g;

/** The complaints in what pgBackRest printed. */
export const faultsIn = (printed: string): readonly ToolFault[] =>
  [...printed.matchAll(FAULT)].map(([, code = '', text = '']) => ({ code: Number(code), text }));

/** What a fault of pgBackRest means. @param what - it did, e.g. `the restore of the backup set 2026…F`. */
export function toolError(
  faults: readonly ToolFault[],
  exitCode: number,
  what: string,
  output: string,
): MusterError {
  const code = faults[0]?.code;
  const [reason, advice] = meaningOf(code, output);
  const told = code === undefined ? `exit code ${exitCode}` : `error ${code}`;
  return new MusterError(reason, `pgBackRest could not do ${what} (${told}): ${advice}`, { output });
}

const DAMAGED = [
  'corrupt',
  'the repository is damaged. Look into it with `pgbackrest verify`, and take a new full backup.',
] as const;

function meaningOf(code: number | undefined, said: string): readonly [ErrorCode, string] {
  if (/No space left on device/.test(said))
    return ['scratch_disk_full', 'the scratch ran out of disk. Give it more `scratch.disk`.'];
  // The passphrase is right: `backup.info` was read with it, which holds all others.
  if (code === CRYPTO || said.includes('[CryptoError]')) return DAMAGED;
  // Of a fetch of WAL the number says only that it could not be read; why stands behind it.
  if (/\[(?:FormatError|ChecksumError)\]/.test(said)) return DAMAGED;
  switch (code) {
    case CHECKSUM:
    case FORMAT:
    case FILE_INVALID:
      return DAMAGED;
    case FILE_MISSING:
    case BACKUP_SET_INVALID:
      return [
        'corrupt',
        'a file of the backup set is missing. Look into the repository with `pgbackrest verify`, and take a new full backup.',
      ];
    case FILE_OPEN:
    case FILE_READ:
    case PATH_OPEN:
      return [
        'backup_unreadable',
        'a file of the repository could not be read. The restore runs as the owner of the repository, or as the user postgres of the image where that is root: give it the right to read.',
      ];
    case VERSION_NOT_SUPPORTED:
      return [
        'version_unavailable',
        'it does not know that version of PostgreSQL. Name an image with a newer pgBackRest with `image:`.',
      ];
    default:
      return code !== undefined && OPTION_INVALID.has(code)
        ? [
            'launch_failed',
            'its version does not take the options of a restore. Name an image with a newer pgBackRest with `image:`.',
          ]
        : ['restore_failed', "the worker's diagnosis file (`muster drill show --output`) has its own words."];
  }
}
