import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { MusterError } from '@muster/core';
import type { Base, ScratchHost } from '@muster/scratch';
import type { StreamArtefact } from '../../artefact.js';
import type { DumpOptions, LiveDumper, LiveFacts } from '../../live/live-dumper.js';
import { type Ended, runHere, toolDump } from '../../live/tool-dump.js';
import { chooseInstallation, FALLBACK_USER } from '../admit.js';
import { openSnapshot, recordQuiet } from '../fidelity/open-snapshot.js';
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

/** pg_dump's own transaction is READ ONLY. */
const COMMON = ['--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`] as const;

/** Without `compress` the bytes go nowhere but through us; else as pg_dump does it by itself. */
const customArguments = ({ compress = false, snapshot }: DumpOptions): readonly string[] => [
  ...['--format=custom', ...(compress ? [] : ['--compress=0']), ...COMMON],
  ...ofSnapshot(snapshot),
];

const ofSnapshot = (snapshot: string | undefined): readonly string[] =>
  snapshot === undefined ? [] : [`--snapshot=${snapshot}`];

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

/** As {@link SCRIPT}, where several processes read the service file, one after another: it has no name any more by then. */
const SCRIPT_OF_SEVERAL = `
umask 077
file=$(mktemp) || exit 1
exec 3<> "$file"
rm "$file"
printf '%s\\n' "$MUSTER_SERVICE" >&3
unset MUSTER_SERVICE
umask "$MUSTER_UMASK"
unset MUSTER_UMASK
exec "$@"
`;

export const postgresLiveDumper: LiveDumper = {
  survey,
  measure,
  openSnapshot,
  recordQuiet,
  dump: (uri, facts, host, base, options = {}) =>
    streamOf(uri, facts, options, async (asked, stdout, stop) => {
      const own = await ownPgDump(facts.major);
      return own === undefined
        ? runNetworked(asked, facts, host, base, stdout, stop)
        : runOwn(own, asked, stdout, stop);
    }),
  dumpHere: async (uri, facts, options = {}) => {
    const own = await ownPgDump(facts.major);
    if (own === undefined) return undefined;
    return streamOf(uri, facts, options, (asked, stdout, stop) => runOwn(own, asked, stdout, stop));
  },
  dumpDirectory: async (text, facts, directory, { jobs, snapshot }, signal) => {
    const own = await ownPgDump(facts.major);
    if (own === undefined) throw noPgDump(facts.major);
    const uri = parseConnectionUri(text);
    const argv = [
      ...['--format=directory', `--jobs=${jobs}`, `--file=${directory}`, ...COMMON],
      ...ofSnapshot(snapshot),
    ];
    const env = {
      ...environmentOf(uri, facts),
      PGSERVICEFILE: '/proc/self/fd/3',
      MUSTER_UMASK: process.umask().toString(8),
    };
    const run = (stdout: PassThrough, stop: AbortSignal): Promise<Ended> =>
      runHere(['/bin/sh', '-c', SCRIPT_OF_SEVERAL, 'sh', own, ...argv], env, stdout, stop);
    const stream = toolDump('pg_dump', run, signal, dumpFault);
    await finished(stream.resume());
  },
};

/** One run of pg_dump: its arguments, and an environment that is secret. */
interface Asked {
  readonly uri: ConnectionUri;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function streamOf(
  text: string,
  facts: LiveFacts,
  options: DumpOptions,
  run: (asked: Asked, stdout: PassThrough, stop: AbortSignal) => Promise<Ended>,
): StreamArtefact {
  return {
    form: 'stream',
    name: `${facts.database ?? 'live'}.dump`,
    open: (signal) => {
      const uri = parseConnectionUri(text);
      const asked = { uri, argv: customArguments(options), env: environmentOf(uri, facts) };
      return toolDump('pg_dump', (stdout, stop) => run(asked, stdout, stop), signal, dumpFault);
    },
  };
}

function environmentOf(uri: ConnectionUri, facts: LiveFacts): Readonly<Record<string, string>> {
  const guarded = isPostgresLiveFacts(facts) && facts.guarded;
  const options = [...(guarded ? [GUARD] : []), ...(uri.rest.options ? [uri.rest.options] : [])].join(' ');
  return {
    ...libpqEnvironment(uri),
    PGDATABASE: facts.database ?? uri.database,
    ...(options !== '' && { PGOPTIONS: options }),
    PGSERVICE: SERVICE_NAME,
    PGSERVICEFILE: '/dev/stdin',
    MUSTER_SERVICE: serviceFile(uri),
  };
}

const runOwn = (own: string, { argv, env }: Asked, stdout: PassThrough, stop: AbortSignal): Promise<Ended> =>
  runHere(['/bin/sh', '-c', SCRIPT, 'sh', own, ...argv], env, stdout, stop);

async function runNetworked(
  { uri, argv, env }: Asked,
  { major }: LiveFacts,
  host: ScratchHost,
  base: Base,
  stdout: PassThrough,
  stop: AbortSignal,
): Promise<Ended> {
  const image = parseProbe(base.facts);
  const where = base.image === undefined ? 'this machine' : `the image ${base.image}`;
  const { bindir } = chooseInstallation(image, major, where);
  const { sslkey } = uri.rest;
  const directories = directoriesOf(uri);
  return host.runNetworked(
    base,
    {
      argv: ['/bin/sh', '-c', SCRIPT, 'sh', `${bindir}/pg_dump`, ...argv],
      env: { LC_ALL: 'C' },
      secretEnv: {
        ...env,
        ...(sslkey !== undefined && { MUSTER_SSLKEY: await readFile(sslkey, 'utf8') }),
      },
      user: (await ownerOfPrivate(directories)) ?? image.user ?? FALLBACK_USER,
      directories,
      stdout,
    },
    stop,
  );
}

/** Whoever may enter a directory that is for this user alone: that of a server which Muster itself has started. */
async function ownerOfPrivate(directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const found = await stat(directory).catch(() => undefined);
    if (found?.uid === process.getuid?.() && found !== undefined && (found.mode & 0o077) === 0)
      return `${found.uid}:${found.gid}`;
  }
  return undefined;
}

const noPgDump = (major: number): MusterError =>
  new MusterError(
    'tool_missing',
    `There is no pg_dump ${major} on this machine, which alone can write a dump of several files: install postgresql-client-${major} (postgresql${major} where packages are RPM), or take the backup with format: custom.`,
  );

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
