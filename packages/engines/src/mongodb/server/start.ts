import { isMusterError, MusterError } from '@muster/core';
import type { ExecResult, Scratch } from '@muster/scratch';
import { aborted } from '../../aborted.js';
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
  const lost = new AbortController();
  const starting = new AbortController();
  const ready = Promise.withResolvers<void>();
  let log = '';
  const dataDir = `${scratch.dataDir}/mongodb`;
  const args = serverArguments({
    major: installation.major,
    limits: scratch.limits,
    dataDir,
    socketDir: scratch.innerSocketDir,
  });
  // The server outlives this call and ends with its scratch, so it is not under the caller's signal.
  const ended = scratch
    .exec(
      {
        argv: ['sh', '-c', SCRIPT, 'sh', installation.path, dataDir, ...args],
        env: { LC_ALL: 'C', TZ: 'UTC', HOME: scratch.dataDir },
        onStderr: (text) => {
          log = (log + text).slice(-MAX_TAIL);
          if (READY.test(log)) ready.resolve();
        },
      },
      starting.signal,
    )
    .finally(() => lost.abort());
  ended.catch(() => undefined);
  scratch.lost.then(() => lost.abort());
  try {
    await untilReady(ready.promise, ended, signal);
    await scratch.expose({ name: SOCKET, tcpPort: PORT });
    const running = { scratch, installation, version: installation.version, lost: lost.signal };
    return { ...running, ...(await askVersion(running, signal)) };
  } catch (error) {
    starting.abort();
    if (signal.aborted) throw new MusterError('cancelled', 'The start of the server was cancelled.');
    if (isMusterError(error)) throw error;
    const loss = await scratch.diagnose();
    throw new MusterError(
      loss?.reason ?? 'launch_failed',
      loss === undefined
        ? 'The server in the scratch did not start. `muster drill show --output` has its own words.'
        : `The server in the scratch did not start: ${loss.detail}`,
      { cause: error, output: log },
    );
  }
}

async function untilReady(
  ready: Promise<void>,
  ended: Promise<ExecResult>,
  signal: AbortSignal,
): Promise<void> {
  const end = await Promise.race([ready, ended, aborted(signal)]);
  if (end !== undefined) throw new Error(`the server ended with exit code ${end.exitCode}`);
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
