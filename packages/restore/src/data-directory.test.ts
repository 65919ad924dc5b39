import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isTouched, surveyDirectory } from './data-directory.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'muster-data-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function directory(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(root, name);
  await mkdir(path);
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
  return path;
}

it('a data directory that is not there, or has nothing in it, is empty', async () => {
  expect(await surveyDirectory(join(root, 'none'), false)).toMatchObject({ isEmpty: true });
  expect(await surveyDirectory(await directory('empty', {}), true)).toMatchObject({ isEmpty: true });
});

it('a cluster is replaced only with --delta, and what is none never', async () => {
  const cluster = await directory('cluster', { PG_VERSION: '15\n' });
  await expect(surveyDirectory(cluster, false)).rejects.toMatchObject({ code: 'target_not_empty' });
  expect(await surveyDirectory(cluster, true)).toMatchObject({ isEmpty: false, version: '15' });
  const photos = await directory('photos', { 'cat.jpg': '' });
  await expect(surveyDirectory(photos, true)).rejects.toMatchObject({ code: 'target_not_empty' });
});

it('nothing is restored under a server that runs, or that did not end well', async () => {
  const running = await directory('running', { PG_VERSION: '15\n', 'postmaster.pid': `${process.pid}\n` });
  await expect(surveyDirectory(running, true)).rejects.toMatchObject({
    code: 'target_in_use',
    message: expect.stringContaining(`process ${process.pid}`),
  });
});

it('a restore that failed has touched a cluster only where its pg_control is gone or another', async () => {
  const cluster = await directory('whole', { PG_VERSION: '15\n' });
  await mkdir(join(cluster, 'global'));
  await writeFile(join(cluster, 'global/pg_control'), 'one');
  const before = await surveyDirectory(cluster, true);
  expect(await isTouched(before)).toBe(false);
  await rm(join(cluster, 'global/pg_control'));
  expect(await isTouched(before)).toBe(true);
  await writeFile(join(cluster, 'global/pg_control'), 'two');
  expect(await isTouched(before)).toBe(true);
  const half = await directory('half', { 'backup.manifest': '' });
  expect(await isTouched(await surveyDirectory(half, true))).toBe(true);
  const empty = await directory('filled', {});
  const nothing = await surveyDirectory(empty, false);
  expect(await isTouched(nothing)).toBe(false);
  await writeFile(join(empty, 'PG_VERSION'), '15\n');
  expect(await isTouched(nothing)).toBe(true);
});
