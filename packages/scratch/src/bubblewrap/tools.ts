import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SEARCH_PATH } from './cage-options.js';

/** What must be on the machine: bubblewrap itself, bash, and of util-linux what leads into a cell. */
const TOOLS = ['bwrap', 'bash', 'nsenter', 'prlimit'] as const;
/** As root also what gives up its rights first. */
const ROOT_TOOLS = ['setpriv', 'unshare', 'mount'] as const;

export function missingTools(asRoot: boolean): readonly string[] {
  return [...TOOLS, ...(asRoot ? ROOT_TOOLS : [])].filter(
    (tool) => !SEARCH_PATH.split(':').some((directory) => isExecutable(join(directory, tool))),
  );
}

/** Options that this machine's bubblewrap knows, from its own help. */
export async function bubblewrapOptions(): Promise<ReadonlySet<string>> {
  const { stdout } = await promisify(execFile)('bwrap', ['--help'], {
    env: { PATH: SEARCH_PATH },
    timeout: 10_000,
  });
  return new Set(stdout.match(/^ +(--[\w-]+)/gm)?.map((option) => option.trim()));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
