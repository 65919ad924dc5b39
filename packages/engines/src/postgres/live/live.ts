import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type { Base, ScratchHost } from '@muster/scratch';
import type { LiveDumper, LiveFacts } from '../../engine.js';
import { chooseInstallation, FALLBACK_USER } from '../admit.js';
import { parseProbe } from '../probe.js';
import { type ConnectionUri, libpqEnvironment, parseConnectionUri } from './connection-uri.js';
import { survey } from './live-survey.js';

/**
 * pg_dump's own transaction is READ ONLY, so nothing more is set on the session: settings at the start of a connection
 * are what poolers refuse. No compression: the bytes go nowhere but through us.
 */
const ARGUMENTS = ['--format=custom', '--compress=0', '--no-password', '--lock-wait-timeout=60000'] as const;
const MAX_STDERR = 64 * 1024;

export const postgresLiveDumper: LiveDumper = {
  survey,
  dump: (uri, facts, host, base) => ({
    form: 'stream',
    name: `${facts.database ?? 'live'}.dump`,
    open: (signal) => openDump(parseConnectionUri(uri), facts, host, base, signal),
  }),
};

/** What a pg_dump came to. */
interface Ended {
  readonly exitCode: number;
  readonly stderr: string;
}

function openDump(
  uri: ConnectionUri,
  facts: LiveFacts,
  host: ScratchHost,
  base: Base,
  signal: AbortSignal,
): Readable {
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  const stop = AbortSignal.any([signal, closed.signal]);
  const secretEnv = { ...libpqEnvironment(uri), PGDATABASE: facts.database ?? uri.database };
  const run = async (): Promise<Ended> => {
    const own = await ownPgDump(facts.major);
    if (own !== undefined) return runHere(own, secretEnv, stream, stop);
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
        stdout: stream,
      },
      stop,
    );
  };
  run().then(
    ({ exitCode, stderr }) => {
      if (exitCode === 0) stream.end();
      else stream.destroy(dumpFailed(`pg_dump ended with exit code ${exitCode}`, { output: stderr }));
    },
    (cause: unknown) => {
      if (signal.aborted)
        stream.destroy(new MusterError('cancelled', 'The dump of the source was cancelled.'));
      else if (cause instanceof MusterError) stream.destroy(cause);
      else stream.destroy(dumpFailed('pg_dump could not be run', { cause }));
    },
  );
  return stream;
}

const dumpFailed = (what: string, options: { readonly cause?: unknown; readonly output?: string }) =>
  new MusterError(
    'dump_failed',
    `The live dump of the source did not finish: ${what}. The worker's diagnosis file has its words.`,
    options,
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

function runHere(
  path: string,
  env: Readonly<Record<string, string>>,
  stdout: PassThrough,
  signal: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, ARGUMENTS, {
      env: { LC_ALL: 'C', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    child.stdout.pipe(stdout, { end: false });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? -1, stderr }));
  });
}

/** What a tool in a cage must see of this machine: sockets of the source, certificates. */
function directoriesOf({ hosts, rest }: ConnectionUri): readonly string[] {
  const sockets = hosts.flatMap(({ host }) => (host.startsWith('/') ? [host] : []));
  const files = [rest.sslrootcert, rest.sslcert, rest.sslkey, rest.sslcrl]
    .filter((path) => path?.startsWith('/'))
    .map((path) => dirname(path ?? '/'));
  return [...new Set([...sockets, ...files])];
}
