import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createDirectoryTakePlace } from './directory-place.js';
import { slotName } from './take-names.js';

it('a sweep waits for no pipe that somebody put where the owner of a slot is told, and leaves it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-sweep-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const slot = slotName('shop_20261121T000000Z.dump');
  await mkdir(join(directory, slot));
  await promisify(execFile)('mkfifo', [join(directory, slot, 'owner.json')]);
  const place = createDirectoryTakePlace({ directory, liveness: () => 'dead' });
  expect(await place.sweep(AbortSignal.timeout(5_000))).toEqual([]);
  expect(await readdir(join(directory, slot))).toEqual(['owner.json']);
});
