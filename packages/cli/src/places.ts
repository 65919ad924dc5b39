import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MusterError } from '@muster/core';
import type { Environment } from './environment.js';

/** A unix socket's path ends at 108 bytes; the scratch needs the rest of them for its own names. */
const LONGEST_RUNTIME = 40;

/**
 * Where this machine keeps what outlives a command but belongs to nobody else: signing key, diagnosis files, the
 * register of kept scratches. `MUSTER_STATE_DIR`, else /var/lib/muster for root, else the XDG state directory.
 */
export function stateDirectory({ env, uid, home, cwd }: Environment): string {
  if (env['MUSTER_STATE_DIR']) return resolve(cwd, env['MUSTER_STATE_DIR']);
  if (uid === 0) return '/var/lib/muster';
  return join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'muster');
}

/** Where sockets lie while they live: short, because a socket's path must be. */
export function runtimeDirectory({ env, uid }: Environment): string {
  if (uid === 0) return '/run/muster';
  const own = env['XDG_RUNTIME_DIR'];
  if (own) {
    const directory = join(own, 'muster');
    if (Buffer.byteLength(directory) <= LONGEST_RUNTIME) return directory;
  }
  return `/tmp/muster-${uid}`;
}

/** Makes a directory of Muster's own, for nobody else to look into. @throws `state_unwritable`. */
export async function ensurePrivate(directory: string): Promise<string> {
  try {
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await chmod(directory, 0o700);
    return directory;
  } catch (cause) {
    throw new MusterError(
      'state_unwritable',
      `Muster cannot make its directory ${directory}: make it writable, or name another with MUSTER_STATE_DIR.`,
      { cause },
    );
  }
}
