import { stat } from 'node:fs/promises';
import { MusterError, type Source } from '@muster/core';
import type { LaunchSpec, Scratch } from '@muster/scratch';

/**
 * That the server sees the very files of which the digests are in the receipt: a worker in a container may have others at
 * a path than its Docker host, which mounts its own.
 * @throws `launch_failed`, and what `exec` throws.
 */
export async function requireShown(
  scratch: Pick<Scratch, 'mounts' | 'exec'>,
  companions: LaunchSpec['mounts'],
  { slug }: Pick<Source, 'slug'>,
  signal: AbortSignal,
): Promise<void> {
  if (companions.length === 0) return;
  const refused = (why: string, output?: string): MusterError =>
    new MusterError(
      'launch_failed',
      `The companions of the source "${slug}" cannot be shown to the scratch: ${why}. Run the worker on its Docker host, outside of a container.`,
      output === undefined ? {} : { output },
    );
  if (!scratch.mounts) throw refused('this worker shares no directory with its Docker host');
  const here = await Promise.all(companions.map(({ hostPath }) => stat(hostPath, { bigint: true })));
  const paths = companions.map(({ path }) => path);
  const { stdout, stderr } = await scratch.exec(
    { argv: ['stat', '-L', '-c', '%d:%i', '--', ...paths] },
    signal,
  );
  if (stdout !== here.map(({ dev, ino }) => `${dev}:${ino}\n`).join(''))
    throw refused('what its Docker host has at their paths is something else than this worker has', stderr);
}
