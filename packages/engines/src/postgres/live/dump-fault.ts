import { MusterError } from '@muster/core';
import type { Ended } from '../../live/tool-dump.js';

/** How long pg_dump waits for a lock on the tables. Meanwhile it holds those that it has, and others may wait for it. */
export const LOCK_WAIT_MS = 10_000;

export const outOfConnections = (output?: string): MusterError =>
  new MusterError(
    'source_out_of_connections',
    'The source has no connection to spare (SQLSTATE 53300). Try again when it has, or raise max_connections of the server, or the CONNECTION LIMIT of the user or the database.',
    output === undefined ? {} : { output },
  );

/**
 * What pg_dump says, in words that it translates for nobody, and the server's, which are in the language of the server: where
 * they are in another it is `dump_failed`.
 */
const FAULTS: readonly (readonly [RegExp, (output: string) => MusterError])[] = [
  [
    /\bFATAL: {2}(?:sorry, too many clients already|remaining connection slots are reserved|too many connections for )/,
    outOfConnections,
  ],
  [
    /\bERROR: {2}(?:permission denied for|query would be affected by row-level security policy)/,
    (output) =>
      new MusterError(
        'source_rights_missing',
        'The user of the connection URI may not read all of the source (large objects have rights of their own). The diagnosis (of a drill: `muster drill show ID --output` on its worker) names what; let that user read it.',
        { output },
      ),
  ],
  [
    /\bFATAL: {2}terminating (?:connection|background worker)|\bFATAL: {2}the database system is /,
    (output) =>
      new MusterError(
        'source_stopped',
        'The source ended the session of its dump: its server was stopped or restarted, or somebody ended the session. Try again when it runs.',
        { output },
      ),
  ],
  [
    /server closed the connection unexpectedly|no connection to the server|SSL connection has been closed|could not (?:receive|send) data (?:from|to)|SSL SYSCALL error/,
    (output) =>
      new MusterError(
        'source_lost',
        'The connection to the source broke in the middle of its dump. Look at its server and at the network between; then try again.',
        { output },
      ),
  ],
  [
    /: No space left on device|: Disk quota exceeded/,
    (output) =>
      new MusterError('no_space', 'There is no room left where the dump is written: free some there.', {
        output,
      }),
  ],
];

/** pg_dump sets a limit for this statement alone, so that what failed after so long a time did so by that limit. */
const LOCKING = /Query was: LOCK TABLE /;

/**
 * Why pg_dump did not finish, where it says so.
 * @param tookMs - how long it ran.
 */
export function dumpFault({ stderr }: Ended, tookMs: number): MusterError | undefined {
  if (LOCKING.test(stderr) && tookMs >= LOCK_WAIT_MS) {
    return new MusterError(
      'source_locked',
      `Somebody held a table of the source locked for all of ${LOCK_WAIT_MS / 1000} s, so that it could not be read (ALTER TABLE, VACUUM FULL, LOCK TABLE …). Try again when that is over; the diagnosis (of a drill: \`muster drill show ID --output\` on its worker) has the names of the tables.`,
      { output: stderr },
    );
  }
  return FAULTS.find(([words]) => words.test(stderr))?.[1](stderr);
}
