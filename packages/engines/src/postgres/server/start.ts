import type { Scratch } from '@muster/scratch';
import { startInScratch } from '../../server/start-in-scratch.js';
import type { Installation } from '../probe.js';
import { close, connect, PORT } from './client.js';
import { ServerLog } from './server-log.js';
import { serverSettings } from './settings.js';

/** Our own access rules: the cage is who may come in, so inside it everyone is let in. */
const HBA = 'local all all trust\nhost all all 127.0.0.1/32 trust\n';

/**
 * $1 bindir, $2 data directory, $3 what pg_hba.conf says; what follows are arguments of the server. initdb tells its own
 * faults on stderr. An image's configuration is replaced, not read.
 */
const SCRIPT = `
set -eu
bin=$1 data=$2 hba=$3
shift 3
umask 077
"$bin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
: > "$data/postgresql.conf"
printf '%s' "$hba" > "$data/pg_hba.conf"
exec "$bin/postgres" -D "$data" "$@"
`;

/** A server that accepts connections. It ends with its scratch. */
export interface RunningServer {
  readonly scratch: Scratch;
  readonly installation: Installation;
  readonly log: ServerLog;
  /** Aborts when the server or its scratch has ended. */
  readonly lost: AbortSignal;
  /** Backends of our own connections, whose complaints are not the backup's. */
  readonly ours: Set<number>;
  /** e.g. `17.6` */
  readonly version: string;
}

/** Initialises a cluster in the scratch and starts its server, with `more` settings. @throws `launch_failed`, `scratch_*`, `cancelled`. */
export async function startServer(
  scratch: Scratch,
  installation: Installation,
  cpus: number,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const settings = { ...settingsIn(scratch, installation, cpus), ...more };
  return await runServer(scratch, installation, { script: SCRIPT, settings, log: new ServerLog() }, signal);
}

export const settingsIn = (scratch: Scratch, { major }: Installation, cpus: number) =>
  serverSettings({
    major,
    limits: scratch.limits,
    cpus,
    socketDir: scratch.innerSocketDir,
    tcp: scratch.reach === 'bridge',
  });

/** What a server is started by: a script as {@link SCRIPT} is, which gets the settings as arguments of the server. */
export interface ServerStart {
  readonly script: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: ServerLog;
  /** What must hold before anyone outside is let to it; where it throws the server has not started. */
  readonly beforeExposed?: () => Promise<void>;
}

/** Starts a server over `<data directory>/postgres`. @throws `launch_failed`, `scratch_*`, `cancelled`. */
export async function runServer(
  scratch: Scratch,
  installation: Installation,
  { script, settings, log, beforeExposed }: ServerStart,
  signal: AbortSignal,
): Promise<RunningServer> {
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const data = `${scratch.dataDir}/postgres`;
  return await startInScratch(
    scratch,
    {
      command: {
        argv: ['sh', '-c', script, 'sh', installation.bindir, data, HBA, ...args],
        env: { LC_ALL: 'C', PGDATA: data, TZ: 'UTC' },
        onStderr: (text) => log.write(text),
      },
      ready: log.ready.then(beforeExposed),
      socket: { name: `.s.PGSQL.${PORT}`, tcpPort: PORT },
      log: () => log.tail,
      meet: async (lost) => {
        const version = await askVersion(scratch, installation, AbortSignal.any([signal, lost]));
        return { scratch, installation, log, lost, ours: new Set(), version };
      },
    },
    signal,
  );
}

async function askVersion(
  scratch: Scratch,
  installation: Installation,
  signal: AbortSignal,
): Promise<string> {
  const client = await connect(
    {
      host: scratch.socketDir,
      database: 'template1',
      major: installation.major,
      applicationName: 'muster',
    },
    signal,
  );
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version.split(' ')[0] ?? installation.version;
  } finally {
    await close(client);
  }
}
