import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCellDirectory, sweepCellDirectories } from './cell-directory.js';
import { isAbandoned, type Ownership } from './labels.js';
import { thisWorker } from './worker-identity.js';

describe('the directory of a cell', () => {
  let runtimeDir: string;
  beforeEach(async () => {
    runtimeDir = await mkdtemp(join(tmpdir(), 'muster-'));
  });
  afterEach(() => rm(runtimeDir, { recursive: true, force: true }));

  const now = new Date('2026-11-20T12:00:00Z');
  const owner = (expiresAt: Date): Ownership => ({ drill: 'drl_x', worker: thisWorker(), expiresAt });
  const later = owner(new Date('2026-11-20T13:00:00Z'));
  const past = owner(new Date('2026-11-20T11:00:00Z'));

  it('is open inside and closed on the way to it', async () => {
    const { path, socketDir } = await createCellDirectory(runtimeDir, later);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect((await stat(socketDir)).mode & 0o777).toBe(0o777);
  });

  it('is gone when it is removed, twice too', async () => {
    const directory = await createCellDirectory(runtimeDir, later);
    await directory.remove();
    await directory.remove();
    expect(await readdir(runtimeDir)).toEqual([]);
  });

  it('is swept when its owner is gone, and nothing else is', async () => {
    const kept = await createCellDirectory(runtimeDir, later);
    const left = await createCellDirectory(runtimeDir, past);
    await mkdir(join(runtimeDir, '0123456789ab'));
    await mkdir(join(runtimeDir, 'something'));
    await writeFile(join(runtimeDir, 'ba9876543210'), '');
    expect(await sweepCellDirectories(runtimeDir, (owner) => isAbandoned(owner, now))).toEqual([left.path]);
    expect((await readdir(runtimeDir)).toSorted()).toEqual(
      ['0123456789ab', 'ba9876543210', kept.id, 'something'].toSorted(),
    );
  });

  it('is not made where the path to its sockets would be too long', async () => {
    const long = join(runtimeDir, 'x'.repeat(80));
    await expect(createCellDirectory(long, later)).rejects.toMatchObject({ code: 'state_unwritable' });
    expect(await readdir(runtimeDir)).toEqual([]);
  });

  it('is not made where nothing can be written, and the message names the place', async () => {
    await writeFile(join(runtimeDir, 'file'), '');
    const inFile = createCellDirectory(join(runtimeDir, 'file'), later);
    await expect(inFile).rejects.toMatchObject({
      code: 'state_unwritable',
      message: expect.stringContaining('file'),
    });
  });

  it('nothing is swept where nothing is', async () => {
    expect(await sweepCellDirectories(join(runtimeDir, 'absent'), () => true)).toEqual([]);
  });
});
