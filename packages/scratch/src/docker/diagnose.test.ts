import { expect, it } from 'vitest';
import type { Cell } from './cell.js';
import { diagnoseCell, judgeState } from './diagnose.js';

const df = (available: number): string => `tmpfs 196608 ${196608 - available} ${available} 90% /muster/data`;

it('knows a kill for want of memory by the counters of cgroup v1 and v2', () => {
  expect(judgeState(`low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n${df(100_000)}`)?.reason).toBe(
    'scratch_out_of_memory',
  );
  expect(judgeState(`oom_kill_disable 0\nunder_oom 0\noom_kill 2\n${df(100_000)}`)?.reason).toBe(
    'scratch_out_of_memory',
  );
  expect(judgeState(`oom 1\noom_kill 0\n${df(100_000)}`)).toBeUndefined();
});

it('knows a full disk, and does not call a filled one full', () => {
  expect(judgeState(df(0))?.reason).toBe('scratch_disk_full');
  expect(judgeState(df(4_000))).toBeUndefined();
});

it('knows a directory that grew beyond the bound that is only watched', () => {
  const said = `oom_kill 0\n200000\t/muster/data\n${df(100_000)}`;
  expect(judgeState(said, 100_000 * 1024)?.reason).toBe('scratch_disk_full');
  expect(judgeState(said, 300_000 * 1024)).toBeUndefined();
});

it('says nothing where it was told nothing', () => {
  expect(judgeState('')).toBeUndefined();
});

it('knows why a cell is being ended, however long the daemon takes to end it', async () => {
  const full = { reason: 'scratch_disk_full', detail: 'it grew' } as const;
  const cell: Cell = {
    user: '1:1',
    bootId: '',
    ended: new Promise(() => {}),
    outOfMemory: () => false,
    endingFor: () => full,
    startExec: () => Promise.reject(new Error('it does not answer')),
    end: async () => {},
  };
  expect(await diagnoseCell(cell, '/data', undefined)).toBe(full);
});
