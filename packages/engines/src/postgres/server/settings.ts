import type { HeldLimits } from '@muster/core';
import { PORT } from './client.js';
import { LOG_LINE_PREFIX } from './server-log.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** What is planned with where a bound does not really hold: other work shares the machine. */
const ASSUMED_MEMORY = GIB;
const ASSUMED_DISK = 8 * GIB;

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
const mib = (bytes: number) => `${Math.floor(bytes / MIB)}MB`;

/**
 * The settings of a server that lives for one drill and is thrown away: nothing has to survive a crash, only what the
 * server is asked now counts. They go on its command line, where no `ALTER SYSTEM` of a dump overrides them.
 */
export function serverSettings(options: {
  readonly major: number;
  readonly limits: HeldLimits;
  /** Processes that the restore may use. */
  readonly cpus: number;
  readonly socketDir: string;
  /** True where clients come through a bridge that speaks TCP inside the scratch. */
  readonly tcp: boolean;
}): Readonly<Record<string, string>> {
  const { major, limits, cpus, socketDir, tcp } = options;
  const memory = limits.memory_bytes ?? ASSUMED_MEMORY;
  const disk = limits.disk_bytes ?? ASSUMED_DISK;
  const workers = Math.max(1, Math.ceil(cpus));
  return {
    listen_addresses: tcp ? '127.0.0.1' : '',
    port: String(PORT),
    unix_socket_directories: socketDir,
    // Who may reach it is decided by the directory on the way, which is ours alone.
    unix_socket_permissions: '0777',
    ssl: 'off',
    max_connections: '100',
    shared_preload_libraries: '',
    // What initdb chooses for the locale C.
    default_text_search_config: 'pg_catalog.english',

    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    archive_mode: 'off',
    max_wal_size: mib(clamp(disk / 4, 64 * MIB, 4 * GIB)),
    checkpoint_timeout: '1h',
    wal_buffers: '16MB',
    bgwriter_lru_maxpages: '0',
    autovacuum: 'off',
    restart_after_crash: 'off',

    shared_buffers: mib(clamp(memory / 8, 16 * MIB, GIB)),
    maintenance_work_mem: mib(clamp(memory / 16 / workers, 16 * MIB, GIB)),
    work_mem: mib(clamp(memory / 64 / workers, 4 * MIB, 64 * MIB)),
    max_worker_processes: String(8 + workers),
    max_parallel_workers: String(workers),
    max_parallel_workers_per_gather: String(workers),
    max_parallel_maintenance_workers: String(Math.max(0, workers - 1)),
    max_locks_per_transaction: '1024',
    // A plan that runs once is seldom worth compiling.
    jit: 'off',
    // A question whose client is gone ends by itself.
    ...(major >= 14 ? { client_connection_check_interval: '1s' } : {}),

    logging_collector: 'off',
    log_destination: 'stderr',
    log_min_messages: 'error',
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_statement: 'none',
    log_checkpoints: 'off',
    log_line_prefix: LOG_LINE_PREFIX,
    lc_messages: 'C',
  };
}
