import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDirectoryStore } from '@muster/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const KEY = 'receipts/shop/2026/11/20/drl_1.sigstore.json';
const { signal } = new AbortController();
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-crash-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Writes the object in a process of its own, that dies by SIGKILL there. */
async function dieWriting(where: string): Promise<void> {
  const hooks = fileURLToPath(new URL('../support/resolve-source.mjs', import.meta.url));
  const writer = fileURLToPath(new URL('dying-writer.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=muster-source', '--import', hooks, writer, where, directory, KEY],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
}

describe('a writer that is killed', () => {
  const store = () => createDirectoryStore(directory);
  const left = () => readdir(join(directory, dirname(KEY)));

  it.each(['half written', 'not flushed', 'not linked'])(
    'while its object is %s leaves none, and the next writer can',
    async (where) => {
      await dieWriting(where);
      expect(await left()).toEqual([expect.stringMatching(/^\.tmp-/)]);
      expect(await Array.fromAsync(store().list('', signal))).toEqual([]);
      await expect(store().get(KEY, signal)).rejects.toMatchObject({ code: 'evidence_not_found' });
      expect(await store().putOnce(KEY, Buffer.from('next'), signal)).toBe('stored');
    },
  );

  it('once its object is linked leaves it whole, and it stands', async () => {
    await dieWriting('linked, its other name not removed');
    expect(await Array.fromAsync(store().list('', signal))).toEqual([KEY]);
    expect(await store().get(KEY, signal)).toEqual(Buffer.alloc(100_000, 'x'));
    expect(await store().putOnce(KEY, Buffer.from('next'), signal)).toBe('exists');
  });
});
