import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PassThrough, Readable } from 'node:stream';
import type { Base, ScratchHost } from '@muster/scratch';
import type { LiveDumper, LiveFacts } from '../../engine.js';
import { type Ended, runHere, toolDump } from '../../live/tool-dump.js';
import { chooseInstallation, FALLBACK_USER } from '../admit.js';
import { parseProbe } from '../probe.js';
import { type ConnectionUri, libpqEnvironment, parseConnectionUri } from './connection-uri.js';
import { survey } from './live-survey.js';

/**
 * pg_dump's own transaction is READ ONLY, so nothing more is set on the session: settings at the start of a connection
 * are what poolers refuse. No compression: the bytes go nowhere but through us.
 */
const ARGUMENTS = ['--format=custom', '--compress=0', '--no-password', '--lock-wait-timeout=60000'] as const;

export const postgresLiveDumper: LiveDumper = {
  survey,
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
  const secretEnv = { ...libpqEnvironment(uri), PGDATABASE: facts.database ?? uri.database };
  const run = async (stdout: PassThrough, stop: AbortSignal): Promise<Ended> => {
    const own = await ownPgDump(facts.major);
    if (own !== undefined) return runHere([own, ...ARGUMENTS], secretEnv, stdout, stop);
    const image = parseProbe(base.facts);
    const where = base.image === undefined ? 'this machine' : `the image ${base.image}`;
    const { bindir } = chooseInstallation(image, facts.major, where);
    return host.runNetworked(
      base,
      {
        argv: [`${bindir}/pg_dump`, ...ARGUMENTS],
        env: { LC_ALL: 'C' },
        secretEnv,
        user: image.user ?? FALLBACK_USER,
        directories: directoriesOf(uri),
        stdout,
      },
      stop,
    );
  };
  return toolDump('pg_dump', run, signal);
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
  const files = [rest.sslrootcert, rest.sslcert, rest.sslkey, rest.sslcrl]
    .filter((path) => path?.startsWith('/'))
    .map((path) => dirname(path ?? '/'));
  return [...new Set([...sockets, ...files])];
}
