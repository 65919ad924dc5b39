import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRegular, readBeginning } from './regular-file.js';

describe('a regular file', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'muster-regular-'));
    await writeFile(join(dir, 'file'), 'abc');
    execFileSync('mkfifo', [join(dir, 'pipe')]);
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('is read as far as is asked', async () => {
    expect(String(await readBeginning(join(dir, 'file'), 2))).toBe('ab');
    expect(String(await readBeginning(join(dir, 'file'), 4))).toBe('abc');
  });

  it.each(['pipe', '.', '/dev/zero'])('is not %s, which is not waited for', async (name) => {
    const path = resolve(dir, name);
    expect(await openRegular(path)).toBeUndefined();
    expect(await readBeginning(path, 2)).toBeUndefined();
  });

  it('has to be there', async () => {
    await expect(openRegular(join(dir, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is left when nobody waits for it any more', async () => {
    const gone = readBeginning(join(dir, 'file'), 2, AbortSignal.abort());
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
  });
});
