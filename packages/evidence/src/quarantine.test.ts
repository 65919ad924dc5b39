import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newDrillId } from '@muster/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDirectoryStore } from './directory-store.js';
import type { EvidenceStore } from './evidence-store.js';
import {
  acknowledgeQuarantined,
  listQuarantine,
  putInQuarantine,
  readQuarantineNotes,
} from './quarantine.js';

const { signal } = new AbortController();
const at = new Date('2026-11-20T03:00:00.000Z');
let folder: string;
let store: EvidenceStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-quarantine-'));
  store = createDirectoryStore(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const put = (id: string, text: string) =>
  putInQuarantine(store, { id, bytes: Buffer.from(text), why: `it is ${text}`, at }, signal);

it('what is in quarantine is listed with why, and is there in full when it was acknowledged', async () => {
  const drillId = newDrillId(at);
  const forged = await put(drillId, 'forged');
  await put(drillId, 'forged');
  await put('../../etc', 'junk');
  const [first, second] = await listQuarantine(store, signal);
  expect([first, second]).toEqual([
    { key: forged, sha256: forged.slice(-69, -5), drillId, acknowledged: false },
    { key: expect.stringMatching(/^quarantine\/unknown\//), sha256: expect.any(String), acknowledged: false },
  ]);
  if (first === undefined) throw new Error('it is gone');
  const why = { quarantined_at: at.toISOString(), why: 'it is forged' };
  expect(await readQuarantineNotes(store, first, signal)).toEqual({ why });

  const note = (text: string) => acknowledgeQuarantined(store, first, { note: text, at }, signal);
  expect([await note('a test of ours'), await note('other')]).toEqual(['stored', 'exists']);
  expect((await listQuarantine(store, signal)).map(({ acknowledged }) => acknowledged)).toEqual([
    true,
    false,
  ]);
  expect(await readQuarantineNotes(store, first, signal)).toEqual({
    why,
    acknowledged: { acknowledged_at: at.toISOString(), note: 'a test of ours' },
  });
  expect(Buffer.from(await store.get(forged, signal)).toString()).toBe('forged');
});

it('what lay there before there were notes is listed, and a note that is none is not believed', async () => {
  const key = `quarantine/unknown/${'a'.repeat(64)}.json`;
  await store.putOnce(key, Buffer.from('x'), signal);
  await store.putOnce(key.replace('json', 'why.json'), Buffer.from('{"why":'), signal);
  const [one] = await listQuarantine(store, signal);
  if (one === undefined) throw new Error('it is gone');
  expect(await readQuarantineNotes(store, one, signal)).toEqual({});
});
