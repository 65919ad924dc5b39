import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseOwnGroups, planGroups } from './control-group.js';

const LIMITS = { cpus: 0.5, memoryBytes: 1024, diskBytes: 0, pids: 7 };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'muster-'));
});
afterEach(() => rm(root, { recursive: true }));

const held = async (own: string): Promise<unknown> =>
  (await planGroups(LIMITS, own, root)).map((places) => places.map((group) => group.held));

it('reads which groups a process is in', () => {
  const own = parseOwnGroups('4:memory:/a:b\n2:cpu,cpuacct:/c\n0::/user.slice\n');
  expect([...own]).toEqual([
    ['memory', '/a:b'],
    ['cpu', '/c'],
    ['cpuacct', '/c'],
    ['', '/user.slice'],
  ]);
});

it('version 2: holds what is switched on beneath its own group, else beside it', async () => {
  await mkdir(join(root, 'a.slice/b.scope'), { recursive: true });
  await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids\n');
  await writeFile(join(root, 'a.slice/cgroup.subtree_control'), 'memory pids\n');
  await writeFile(join(root, 'a.slice/b.scope/cgroup.subtree_control'), '\n');
  expect(await held('0::/a.slice/b.scope\n')).toEqual([[{}, { memory_bytes: 1024, pids: 7 }]]);
});

it('version 2: never lets memory out through swap', async () => {
  await writeFile(join(root, 'cgroup.controllers'), '');
  await writeFile(join(root, 'cgroup.subtree_control'), 'cpu memory\n');
  const [[group] = []] = await planGroups(LIMITS, '0::/\n', root);
  expect(group?.settings).toEqual([
    ['memory.max', '1024'],
    ['memory.swap.max', '0'],
    ['cpu.max', '50000 100000'],
  ]);
});

it('version 1: holds each kind in its own hierarchy', async () => {
  expect(await held('4:memory:/x\n8:pids:/\n1:cpu,cpuacct:/\n')).toEqual([
    [{ memory_bytes: 1024 }],
    [{ pids: 7 }],
    [{ cpus: 0.5 }],
  ]);
});

it('claims no more processors than there are', async () => {
  const [[group] = []] = await planGroups({ ...LIMITS, cpus: 4096 }, '1:cpu:/\n', root);
  expect(group?.held).toEqual({ cpus: availableParallelism() });
});

it('holds nothing where there are no groups', async () => {
  expect(await held('')).toEqual([]);
  expect(await held('0::/\n')).toEqual([]);
});
