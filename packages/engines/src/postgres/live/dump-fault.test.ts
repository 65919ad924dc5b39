import { expect, it } from 'vitest';
import { dumpFault } from './dump-fault.js';

const QUERY = 'pg_dump: detail: Query was: LOCK TABLE shop.note IN ACCESS SHARE MODE\n';
const ended = (stderr: string) => ({ exitCode: 1, stderr });

it.each([
  ['the limit of the lock, in any language', `pg_dump: Fehler: …\n${QUERY}`, 10_001, 'source_locked'],
  [
    'a lock that is refused at once',
    `pg_dump: error: query failed: ERROR:  permission denied for table note\n${QUERY}`,
    900,
    'source_rights_missing',
  ],
  [
    'no connection left',
    'pg_dump: error: connection failed: FATAL:  sorry, too many clients already',
    10,
    'source_out_of_connections',
  ],
  [
    'none left for others',
    'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute',
    10,
    'source_out_of_connections',
  ],
  [
    'the stop of its server',
    'pg_dump: error: Dumping the contents of table "note" failed: FATAL:  terminating connection due to administrator command\nserver closed the connection unexpectedly',
    10,
    'source_stopped',
  ],
  [
    'the loss of its connection',
    'pg_dump: error: query failed: server closed the connection unexpectedly',
    10,
    'source_lost',
  ],
  ['a full disk', 'pg_dump: error: could not write to file: No space left on device', 10, 'no_space'],
  ['anything else', 'pg_dump: error: server version mismatch', 60_000, undefined],
])('pg_dump that ends by %s', (_, stderr, tookMs, code) => {
  expect(dumpFault(ended(stderr), tookMs)?.code).toBe(code);
});
