import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DatabaseTool } from '../probe.js';

/** Where packages of the Database Tools put it. */
const DIRECTORIES = ['/usr/bin', '/usr/local/bin', '/opt/mongodb-database-tools/bin'] as const;
const ANSWER_MS = 10_000;

/**
 * $1 is mongodump, which takes the place of the shell: whoever ends that, ends it. What the URI says must not stand in a
 * process list.
 */
export const RUN_MONGODUMP = `exec "$@" --config=/dev/stdin --archive <<END
$MUSTER_CONFIG
END
`;

/** The mongodump of this machine, if it has one that runs. */
export async function ownMongodump(
  directories: readonly string[] = DIRECTORIES,
): Promise<DatabaseTool | undefined> {
  for (const directory of directories) {
    const path = `${directory}/mongodump`;
    try {
      const { stdout } = await promisify(execFile)(path, ['--version'], { env: {}, timeout: ANSWER_MS });
      return { path, version: /version:\s*v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? '' };
    } catch {
      // There is none, or none for this machine.
    }
  }
  return undefined;
}
