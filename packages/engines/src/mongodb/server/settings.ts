import type { HeldLimits } from '@muster/core';
import { PORT } from './client.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** What is planned with where a bound does not really hold: other work shares the machine. */
const ASSUMED_MEMORY = GIB;

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

/**
 * The arguments of a mongod that lives for one drill and is thrown away. mongod makes a unix socket only where it also
 * listens on loopback, which in a scratch leads nowhere.
 */
export function serverArguments(options: {
  readonly major: number;
  readonly limits: HeldLimits;
  readonly dataDir: string;
  readonly socketDir: string;
}): readonly string[] {
  const { major, limits, dataDir, socketDir } = options;
  const memory = limits.memory_bytes ?? ASSUMED_MEMORY;
  const parameters = {
    diagnosticDataCollectionEnabled: 'false',
    // What a TTL index would delete is in the backup, and a check must find it.
    ttlMonitorEnabled: 'false',
    disableLogicalSessionCacheRefresh: 'true',
    maxIndexBuildMemoryUsageMegabytes: String(Math.floor(clamp(memory / 8 / MIB, 50, 500))),
  };
  return [
    ['--dbpath', dataDir],
    ['--bind_ip', '127.0.0.1'],
    ['--port', String(PORT)],
    ['--unixSocketPrefix', socketDir],
    // Who may reach it is decided by the directory on the way, which is ours alone.
    ['--filePermissions', '0777'],
    // The least that mongod takes is 0.25 GB.
    ['--wiredTigerCacheSizeGB', clamp(memory / 4 / GIB, 0.25, 4).toFixed(2)],
    // Nothing has to survive a crash: the journal is written as seldom as can be, until it could be left out.
    major < 6 ? ['--nojournal'] : ['--journalCommitInterval', '500'],
    ['--networkMessageCompressors', 'disabled'],
    // A slow question would stand in the log with its text.
    ['--slowms', '86400000'],
    ...Object.entries(parameters).map(([name, value]) => ['--setParameter', `${name}=${value}`]),
  ].flat();
}
