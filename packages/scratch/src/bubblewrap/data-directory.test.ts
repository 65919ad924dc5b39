import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAbandoned, toLabels } from '../labels.js';
import { thisWorker, type WorkerIdentity } from '../worker-identity.js';
import { createDataDirectory, sweepDataDirectories } from './data-directory.js';

const ID = '0123456789ab';
const NOW = new Date('2026-11-20T00:00:00Z');
const LATER = new Date('2026-11-21T00:00:00Z');
const me = thisWorker();
let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'muster-'));
});
afterEach(() => rm(state, { recursive: true }));

async function left(id: string, worker: WorkerIdentity, expiresAt: Date): Promise<void> {
  await mkdir(join(state, 'cells', id, 'data'), { recursive: true });
  const labels = toLabels({ drill: 'drl_x', worker, expiresAt });
  await writeFile(join(state, 'cells', id, 'owner.json'), JSON.stringify(labels));
}
const cells = (): Promise<string[]> => readdir(join(state, 'cells'));

describe('a sweep of data directories', () => {
  it('takes what a process left that is proven dead', async () => {
    await left(ID, { ...me, startTime: '1' }, LATER);
    expect(await sweepDataDirectories(state, (owner) => isAbandoned(owner, NOW))).toEqual([
      join(state, 'cells', ID),
    ]);
    expect(await cells()).toEqual([]);
  });

  it('leaves what belongs to a process that lives', async () => {
    const made = await createDataDirectory(state, ID, { drill: '-', worker: me, expiresAt: LATER }, false);
    expect(await sweepDataDirectories(state, (owner) => isAbandoned(owner, NOW))).toEqual([]);
    await made.remove();
    expect(await cells()).toEqual([]);
  });

  it('leaves what another machine left, until it is expired', async () => {
    await left(ID, { ...me, kernel: 'another-boot:1', startTime: '1' }, LATER);
    expect(await sweepDataDirectories(state, (owner) => isAbandoned(owner, NOW))).toEqual([]);
    expect(await sweepDataDirectories(state, (owner) => isAbandoned(owner, LATER))).toEqual([
      join(state, 'cells', ID),
    ]);
  });

  it('leaves what does not say whose it is, or says it badly, or has another name', async () => {
    await mkdir(join(state, 'cells', 'aaaaaaaaaaaa', 'data'), { recursive: true });
    await mkdir(join(state, 'cells', 'bbbbbbbbbbbb'), { recursive: true });
    await writeFile(join(state, 'cells', 'bbbbbbbbbbbb', 'owner.json'), '{"muster.drill":"x"}');
    await left('not-a-cell', { ...me, startTime: '1' }, NOW);
    await symlink(tmpdir(), join(state, 'cells', 'cccccccccccc'));
    expect(await sweepDataDirectories(state, (owner) => isAbandoned(owner, LATER))).toEqual([]);
    expect((await cells()).length).toBe(4);
  });

  it('finds nothing where nothing was ever kept', async () => {
    expect(await sweepDataDirectories(join(state, 'nowhere'), (owner) => isAbandoned(owner, NOW))).toEqual(
      [],
    );
  });
});

it('a state directory that cannot be written is told as such', async () => {
  await writeFile(join(state, 'file'), '');
  const made = createDataDirectory(
    join(state, 'file'),
    ID,
    { drill: '-', worker: me, expiresAt: LATER },
    false,
  );
  await expect(made).rejects.toMatchObject({ code: 'state_unwritable' });
});
