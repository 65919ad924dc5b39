import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';

/**
 * A tar archive of a system of one static BusyBox and some links to it: an image in a second.
 * @param ballast bytes of zeros, so that a pull takes its time.
 */
export async function tinySystem(busybox: string, ballast = 0): Promise<Buffer> {
  const root = await mkdtemp('/tmp/mst-tiny-');
  try {
    await mkdir(`${root}/bin`);
    await copyFile(busybox, `${root}/bin/busybox`);
    for (const applet of ['sh', 'cat', 'sleep', 'kill', 'timeout', 'head']) {
      await symlink('busybox', `${root}/bin/${applet}`);
    }
    await writeFile(`${root}/zeros`, Buffer.alloc(ballast));
    return execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-c', '.'], { maxBuffer: 1e9 });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
