import { type BackupRecord, newTakeId } from '@muster/core';
import { expect, it, vi } from 'vitest';
import type { Backup } from '../repository.js';
import { findTaken } from './find-taken.js';

const at = (hour: number): Date => new Date(Date.UTC(2026, 10, 21, hour));
const backup = (id: string, hour: number): Backup =>
  ({ id, createdAt: at(hour), artefact: { form: 'file', sizeBytes: hour } }) as Backup;
/** Newest first. */
const repository = { list: async () => [backup('c', 3), backup('b', 2), backup('a', 1)] };
const takeId = newTakeId(at(2));
const signal = new AbortController().signal;

it('finds the dump whose record names the take, and no other', async () => {
  const records: Record<string, BackupRecord | 'unreadable'> = {
    c: 'unreadable',
    b: { take: { id: takeId } } as BackupRecord,
    a: { take: { id: newTakeId(at(1)) } } as BackupRecord,
  };
  const own = { recordOf: async (id: string) => records[id] };
  const find = (id: string) => findTaken({ repository, own }, id, signal);
  expect(await find(takeId)).toEqual({ backupId: 'b', sizeBytes: 2 });
  const sweep = vi.fn(async () => []);
  await findTaken({ repository, own, place: { sweep } }, takeId, signal);
  expect(sweep).toHaveBeenCalledOnce();
  expect(await find(newTakeId(at(2)))).toBeUndefined();
});

it('finds the set of pgBackRest that is annotated with the take, and none that another made since', async () => {
  const sets = [backup('c', 3), { ...backup('b', 2), takeId }];
  const find = (id: string) => findTaken({ repository: { list: async () => sets } }, id, signal);
  expect(await find(takeId)).toMatchObject({ backupId: 'b' });
  expect(await find(newTakeId(at(1)))).toBeUndefined();
});
