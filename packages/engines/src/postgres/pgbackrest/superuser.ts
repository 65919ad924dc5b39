import { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import type { Installation } from '../probe.js';
import { PORT, sessionOptions } from '../server/client.js';
import type { ToolPaths } from './tool-config.js';

/** A recovered cluster in its scratch. */
export interface Cluster {
  readonly scratch: Scratch;
  readonly installation: Installation;
  readonly paths: ToolPaths;
  readonly onOutput: (text: string) => void;
}

/** Our connections are those of a superuser called `postgres`: whether there is one that may log in. */
export async function hasSuperuser(cluster: Cluster, signal: AbortSignal): Promise<boolean> {
  const { scratch } = cluster;
  const asked = await run(
    cluster,
    [
      'psql',
      ...['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--no-password'],
      ...[`--host=${scratch.innerSocketDir}`, `--port=${PORT}`, '--username=postgres', '--dbname=template1'],
      "--command=SELECT pg_catalog.current_setting('is_superuser')",
    ],
    signal,
  );
  return asked.exitCode === 0 && asked.stdout.trim() === 'on';
}

/** Ends the server as one that is to be started again. */
export async function stopServer(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await run(cluster, ['pg_ctl', 'stop', '--mode=fast', '--wait', `--pgdata=${cluster.paths.data}`], signal);
}

/** The first makes it, the second is for one that is there; which of them fails is no matter. */
const STATEMENTS = 'CREATE ROLE postgres\nALTER ROLE postgres SUPERUSER LOGIN\n';

/**
 * Gives a cluster whose superuser has another name one that is called `postgres`, in the server's mode for a single user,
 * which asks for no name. The server must have ended. @throws `restore_failed`
 */
export async function makeSuperuser(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const argv = ['postgres', '--single', '-D', cluster.paths.data, 'template1'] as const;
  const { exitCode, stdout, stderr } = await run(cluster, argv, signal, Readable.from([STATEMENTS]));
  if (exitCode === 0) return;
  throw new MusterError(
    'restore_failed',
    'The restored cluster has no superuser "postgres" that may log in, and none could be made.',
    { output: `${stdout}${stderr}` },
  );
}

async function run(
  { scratch, installation: { bindir, major }, onOutput }: Cluster,
  [program, ...args]: readonly [string, ...string[]],
  signal: AbortSignal,
  stdin?: Readable,
) {
  return await scratch.exec(
    {
      argv: [`${bindir}/${program}`, ...args],
      env: { LC_ALL: 'C', TZ: 'UTC', PGOPTIONS: sessionOptions(major) },
      onStderr: onOutput,
      ...(stdin !== undefined && { stdin }),
    },
    signal,
  );
}
