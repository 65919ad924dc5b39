import { MusterError } from '@muster/core';
import type { Command, ExecResult } from './scratch.js';

/**
 * What ran over kept data may have left anything in it. This leaves plain files with one name each, in directories that
 * can be entered: no link leads anywhere, and what is written to one file is in no other. Where that cannot be done, or
 * it is more than its bound, all of it goes. $1 directory, $2 KiB.
 */
const SETTLE = `
chmod -R u+rwX "$1" &&
find "$1" -mindepth 1 ! -type d ! -type f -delete &&
find "$1" -type f -links +1 -delete &&
used=$(du -sk "$1") && [ "\${used%%[!0-9]*}" -le "$2" ] && echo kept && exit
find "$1" -mindepth 1 -delete && echo emptied
`;

/**
 * Run before anything else inside.
 * @returns whether anything of it is left. @throws `launch_failed` where it cannot be emptied.
 */
export async function settleKept(
  exec: (command: Command, signal: AbortSignal) => Promise<ExecResult>,
  { dataDir, diskBytes }: { readonly dataDir: string; readonly diskBytes: number },
  signal: AbortSignal,
): Promise<'kept' | 'emptied'> {
  const argv = ['/bin/sh', '-c', SETTLE, 'settle', dataDir, String(Math.floor(diskBytes / 1024))] as const;
  const { stdout, stderr } = await exec({ argv, env: { LC_ALL: 'C' } }, signal);
  const said = stdout.trim();
  if (said === 'kept' || said === 'emptied') return said;
  throw new MusterError('launch_failed', 'The data that was kept from the last drill cannot be emptied', {
    output: stderr,
  });
}
