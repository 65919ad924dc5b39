import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requirement } from './requirement.ts';

const mount = (directory: string, options: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'muster-test', directory]).status === 0;

const emptyDirectory = (): string => mkdtempSync(join(tmpdir(), 'muster-mount-'));

/** Asked once a file. */
export const canMount = (): boolean =>
  requirement(
    'mount',
    () => {
      const directory = emptyDirectory();
      const mounted = mount(directory, 'size=64k');
      if (mounted) execFileSync('umount', [directory]);
      rmSync(directory, { recursive: true });
      return mounted;
    },
    'only root may mount a file system',
  );

/** A small file system of its own, for `use` alone. @param options of mount, such as `size=1m` */
export async function onMounted<T>(options: string, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = emptyDirectory();
  try {
    if (!mount(directory, options)) throw new Error(`${directory} could not be mounted`);
    try {
      return await use(directory);
    } finally {
      execFileSync('umount', [directory]);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
