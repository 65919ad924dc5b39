import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newDrillId, newRehearsalId, newRestoreId, newTakeId } from '@muster/core';
import { expect, it } from 'vitest';
import { openOutputLog } from './output-log.js';

it('keeps what was printed for seven days, whatever it is of, and lets alone what is not its own', async () => {
  const state = await mkdtemp(join(tmpdir(), 'muster-test-'));
  const now = new Date('2026-11-21T00:00:00Z');
  const ids = [newDrillId, newTakeId, newRehearsalId, newRestoreId].map((id) => id(now));
  try {
    const log = await openOutputLog(state, () => now);
    for (const id of [...ids, 'prune-shop', 'internal-1']) log.append(id, 'printed');
    await writeFile(log.pathOf('notes'), 'somebody else');
    const directory = join(state, 'output');
    for (const name of await readdir(directory)) await utimes(join(directory, name), now, now);
    await openOutputLog(state, () => new Date('2026-11-27T00:00:00Z'));
    expect(await readdir(directory)).toHaveLength(7);
    await openOutputLog(state, () => new Date('2026-11-29T00:00:00Z'));
    expect(await readdir(directory)).toEqual(['notes.log']);
  } finally {
    await rm(state, { recursive: true });
  }
});
