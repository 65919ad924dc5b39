import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { toLabels } from './labels.js';
import { openSpool, removeSpools, sweepSpools } from './spool.js';
import { thisWorker } from './worker-identity.js';

const LATER = new Date(Date.now() + 86_400_000);
let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'muster-spool-'));
});
afterEach(() => rm(state, { recursive: true }));
const spools = () => readdir(join(state, 'spool')).catch(() => []);

async function left(id: string, startTime: string, drill = 'drl_x'): Promise<void> {
  await mkdir(join(state, 'spool', id, 'data'), { recursive: true });
  const labels = toLabels({ drill, worker: { ...thisWorker(), startTime }, expiresAt: LATER });
  await writeFile(join(state, 'spool', id, 'owner.json'), JSON.stringify(labels));
}

it('a spool is empty, and gone when it is removed', async () => {
  const spool = await openSpool(state, { drill: 'drl_x', expiresAt: LATER });
  expect(await readdir(spool.path)).toEqual([]);
  await writeFile(join(spool.path, 'a'), 'x');
  await spool.remove();
  await spool.remove();
  expect(await spools()).toEqual([]);
});

it('what a dead process left is removed by whoever opens the next, and nothing else', async () => {
  await left('0123456789ab', '1');
  await left('0123456789ac', thisWorker().startTime);
  await mkdir(join(state, 'spool', '0123456789ad'));
  await mkdir(join(state, 'spool', 'somebodys-own'));
  const spool = await openSpool(state, { drill: 'drl_y', expiresAt: LATER });
  await spool.remove();
  expect((await spools()).toSorted()).toEqual(['0123456789ac', '0123456789ad', 'somebodys-own']);
});

it('what earlier tries of a drill left is removed, whoever made it', async () => {
  await left('0123456789ab', thisWorker().startTime, 'drl_a');
  await left('0123456789ac', thisWorker().startTime, 'drl_b');
  await removeSpools(state, 'drl_a');
  expect(await spools()).toEqual(['0123456789ac']);
  await sweepSpools(join(state, 'nowhere'));
});
