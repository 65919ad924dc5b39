import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { packDirectory } from './pack-directory.js';

it('is unpacked by tar to the same files, with long names and in directories too', async () => {
  const root = await mkdtemp(join(tmpdir(), 'muster-pack-'));
  try {
    const files = {
      'a.bson': 'a',
      [`db/${'é'.repeat(110)}.bson`]: 'b'.repeat(2000),
      [`db/${'n'.repeat(86)}`]: '',
      'db/c': 'c',
    };
    await mkdir(join(root, 'in', 'db'), { recursive: true });
    await mkdir(join(root, 'out'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, 'in', name), text);
    const tar = await buffer(packDirectory(join(root, 'in'), new AbortController().signal));
    execFileSync('tar', ['-xf', '-'], { input: tar, cwd: join(root, 'out') });
    expect((await readdir(join(root, 'out', 'db'))).length).toBe(3);
    for (const [name, text] of Object.entries(files)) {
      expect(await readFile(join(root, 'out', name), 'utf8')).toBe(text);
    }
  } finally {
    await rm(root, { recursive: true });
  }
});
