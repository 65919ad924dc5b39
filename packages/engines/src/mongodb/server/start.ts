import type { Scratch } from '@muster/scratch';
import { startInScratch } from '../../server/start-in-scratch.js';
import type { Installation } from '../probe.js';
import { PORT, SOCKET } from './client.js';
import { type RunningMongod, withClient } from './mongod.js';
import { serverArguments } from './settings.js';

/** $1 mongod, $2 data directory; what follows are its arguments. It logs to stdout. */
const SCRIPT = `
set -eu
mongod=$1 data=$2
shift 2
umask 077
mkdir -p "$data"
exec "$mongod" "$@" >&2
`;
/** JSON since 4.4, text before; the number of its message is 23016. */
const READY = /waiting for connections/i;
const MAX_TAIL = 64 * 1024;

/** Starts a mongod without data in the scratch. @throws `launch_failed`, `scratch_*`, `cancelled`. */
export async function startMongod(
  scratch: Scratch,
  installation: Installation,
  signal: AbortSignal,
): Promise<RunningMongod> {
  const ready = Promise.withResolvers<void>();
  let log = '';
  const dataDir = `${scratch.dataDir}/mongodb`;
  const args = serverArguments({
    major: installation.major,
    limits: scratch.limits,
    dataDir,
    socketDir: scratch.innerSocketDir,
  });
  return await startInScratch(
    scratch,
    {
      command: {
        argv: ['sh', '-c', SCRIPT, 'sh', installation.path, dataDir, ...args],
        env: { LC_ALL: 'C', TZ: 'UTC', HOME: scratch.dataDir },
        onStderr: (text) => {
          log = (log + text).slice(-MAX_TAIL);
          if (READY.test(log)) ready.resolve();
        },
      },
      ready: ready.promise,
      socket: { name: SOCKET, tcpPort: PORT },
      log: () => log,
      meet: async (lost) => {
        const running = { scratch, installation, version: installation.version, lost };
        return { ...running, ...(await askVersion(running, signal)) };
      },
    },
    signal,
  );
}

/** A server that only speaks MongoDB's protocol says so also here. */
async function askVersion(
  server: RunningMongod,
  signal: AbortSignal,
): Promise<Pick<RunningMongod, 'version' | 'substitute'>> {
  const info = await withClient(server, signal, (client) =>
    client.db('admin').command({ buildInfo: 1 }, { promoteValues: true }),
  );
  const known: unknown = info['version'];
  const other: unknown = info['ferretdb']?.version;
  const substitute =
    server.installation.substitute ?? (typeof other === 'string' ? `FerretDB ${other}` : undefined);
  return {
    version: typeof known === 'string' ? known : server.version,
    ...(substitute === undefined ? {} : { substitute }),
  };
}
