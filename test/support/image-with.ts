import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from './docker-cli.ts';

/**
 * Makes an image that has these files, which all may read and run, beside or in place of those of another one. The caller
 * removes it.
 */
export async function imageWith(
  base: string,
  image: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-image-'));
  const container = await docker('create', '--network', 'none', base, 'true');
  try {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, 'file');
      await rm(file, { force: true });
      await writeFile(file, content, { mode: 0o755 });
      await docker('cp', file, `${container}:${path}`);
    }
    await docker('commit', container, image);
  } finally {
    await docker('rm', container);
    await rm(folder, { recursive: true, force: true });
  }
}
