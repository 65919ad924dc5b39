import { access, constants, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PassThrough, Readable } from 'node:stream';
import type { Base, ScratchHost } from '@muster/scratch';
import type { LiveDumper, LiveFacts } from '../../engine.js';
import { type Ended, runHere, toolDump } from '../../live/tool-dump.js';
import { chooseInstallation, FALLBACK_USER } from '../admit.js';
import { parseProbe } from '../probe.js';
import {
  type ConnectionUri,
  libpqEnvironment,
  parseConnectionUri,
  SERVICE_NAME,
  serviceFile,
} from './connection-uri.js';
import { dumpFault, LOCK_WAIT_MS } from './dump-fault.js';
import { isPostgresLiveFacts, survey } from './live-survey.js';
import { measure } from './measure.js';
import { GUARD } from './reach-source.js';

/** No compression: the bytes go nowhere but through us. pg_dump's own transaction is READ ONLY. */
const ARGUMENTS = [
  ...['--format=custom', '--compress=0', '--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`],
] as const;

/**
 * What follows is pg_dump and its arguments. What only a service file can say comes on its stdin; a key is a file of whoever
 * reads it, which in a cage is another user.
 */
const SCRIPT = `
if [ -n "\${MUSTER_SSLKEY+x}" ]; then
  umask 077
  export PGSSLKEY="\${TMPDIR:-/tmp}/muster-sslkey"
  printf '%s' "$MUSTER_SSLKEY" > "$PGSSLKEY"
  unset MUSTER_SSLKEY
fi
exec "$@" <<END
$MUSTER_SERVICE
END
`;

export const postgresLiveDumper: LiveDumper = {
  survey,
  measure,
  dump: (uri, facts, host, base) => ({
    form: 'stream',
    name: `${facts.database ?? 'live'}.dump`,
    open: (signal) => openDump(parseConnectionUri(uri), facts, host, base, signal),
  }),
};

function openDump(
  uri: ConnectionUri,
  facts: LiveFacts,
  host: ScratchHost,
  base: Base,
  signal: AbortSignal,
): Readable {
  const guarded = isPostgresLiveFacts(facts) && facts.guarded;
  const options = [...(guarded ? [GUARD] : []), ...(uri.rest.options ? [uri.rest.options] : [])].join(' ');
  const secretEnv = {
    ...libpqEnvironment(uri),
    PGDATABASE: facts.database ?? uri.database,
    ...(options !== '' && { PGOPTIONS: options }),
    PGSERVICE: SERVICE_NAME,
    PGSERVICEFILE: '/dev/stdin',
    MUSTER_SERVICE: serviceFile(uri),
  };
  const run = async (stdout: PassThrough, stop: AbortSignal): Promise<Ended> => {
    const own = await ownPgDump(facts.major);
    if (own !== undefined)
      return runHere(['/bin/sh', '-c', SCRIPT, 'sh', own, ...ARGUMENTS], secretEnv, stdout, stop);
    const image = parseProbe(base.facts);
    const where = base.image === undefined ? 'this machine' : `the image ${base.image}`;
    const { bindir } = chooseInstallation(image, facts.major, where);
    const { sslkey } = uri.rest;
    return host.runNetworked(
      base,
      {
        argv: ['/bin/sh', '-c', SCRIPT, 'sh', `${bindir}/pg_dump`, ...ARGUMENTS],
        env: { LC_ALL: 'C' },
        secretEnv: {
          ...secretEnv,
          ...(sslkey !== undefined && { MUSTER_SSLKEY: await readFile(sslkey, 'utf8') }),
        },
        user: image.user ?? FALLBACK_USER,
        directories: directoriesOf(uri),
        stdout,
      },
      stop,
    );
  };
  return toolDump('pg_dump', run, signal, dumpFault);
}

/** The pg_dump of exactly that major version on this machine, where packages put it. */
async function ownPgDump(major: number): Promise<string | undefined> {
  for (const directory of [`/usr/lib/postgresql/${major}/bin`, `/usr/pgsql-${major}/bin`]) {
    const path = `${directory}/pg_dump`;
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}

/** What a tool in a cage must see of this machine: sockets of the source, certificates. */
function directoriesOf({ hosts, rest }: ConnectionUri): readonly string[] {
  const sockets = hosts.flatMap(({ host }) => (host.startsWith('/') ? [host] : []));
  const files = [rest.sslrootcert, rest.sslcert, rest.sslcrl]
    .filter((path) => path?.startsWith('/'))
    .map((path) => dirname(path ?? '/'));
  return [...new Set([...sockets, ...files])];
}
