import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Stand-ins, or official images where a registry answers, under names of the tests' own. */
export const IMAGES = {
  15: 'muster.test/postgres:15',
  17: 'muster.test/postgres:17',
  /** The layouts of the official images; see `build-layouts.sh`. */
  official: 'muster.test/postgres:17-official',
  alpine: 'muster.test/postgres:17-alpine',
  /** FerretDB over DocumentDB, always: whatever `mongo:8` is. */
  mongo: 'muster.test/mongo:8',
} as const;

export const hasImage = (reference: string): boolean =>
  spawnSync('docker', ['image', 'inspect', reference], { stdio: 'ignore' }).status === 0;

/** True if both layouts are there; makes them from the stand-in for 17 where that is there. */
export function hasLayouts(): boolean {
  const both = (): boolean => hasImage(IMAGES.official) && hasImage(IMAGES.alpine);
  if (both()) return true;
  if (!hasImage(IMAGES[17])) return false;
  spawnSync('sh', [fileURLToPath(new URL('build-layouts.sh', import.meta.url))], { stdio: 'inherit' });
  return both();
}

/** `uid:gid` of the user postgres in an image; Debian numbers it as packages come. */
export function postgresUser(reference: string): string {
  const script = 'echo "$(id -u postgres):$(id -g postgres)"';
  const args = ['run', '--rm', '--network', 'none', '--entrypoint', '/bin/sh', reference, '-c', script];
  return spawnSync('docker', args, { encoding: 'utf8' }).stdout.trim();
}
