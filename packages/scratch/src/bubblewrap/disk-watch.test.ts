import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchDisk } from './disk-watch.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('tells which directory came to be over its limit', async () => {
  const watched = { path: directory, limitBytes: 1024 * 1024 };
  const over = watchDisk(
    [{ path: join(directory, 'nothing'), limitBytes: 0 }, watched],
    AbortSignal.timeout(20_000),
  );
  await writeFile(join(directory, 'big'), Buffer.alloc(2 * 1024 * 1024, 1));
  expect(await over).toBe(watched);
});

it('takes a disk that is all but full for a limit too', async () => {
  const watched = { path: directory, limitBytes: 2 ** 50, leaveBytes: Number.MAX_SAFE_INTEGER };
  expect(await watchDisk([watched], AbortSignal.timeout(20_000))).toBe(watched);
});

it('ends when it is told to', async () => {
  const abort = new AbortController();
  const watch = watchDisk([{ path: directory, limitBytes: 1024 * 1024 }], abort.signal);
  abort.abort();
  expect(await watch).toBeUndefined();
});
