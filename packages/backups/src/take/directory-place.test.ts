import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createDirectoryTakePlace } from './directory-place.js';
import { slotName } from './take-names.js';
import type { Liveness, TakePlace } from './take-place.js';

const HOLD = slotName('shop');
const never = new AbortController().signal;
const ownerCalled = (worker: string) => ({ takeId: `tak_01JD8Y3Z7M4T9V6Q2K5N8B1C${worker}`, worker });
const [A, B, C] = [ownerCalled('0A'), ownerCalled('0B'), ownerCalled('0C')] as const;

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-sweep-'));
  const made = directory;
  onTestFinished(() => rm(made, { recursive: true }));
});
const placeWhere = (liveness: Liveness) => createDirectoryTakePlace({ directory, liveness });

/** The hold, as if its holder had stood still for long. */
async function holdOfLongAgo(place: TakePlace) {
  const held = await place.hold('shop', A, never);
  for (const name of await readdir(join(directory, HOLD)))
    await utimes(join(directory, HOLD, name), new Date(0), new Date(0));
  return held;
}

it('a sweep waits for no pipe that somebody put where the owner of a slot is told, and leaves it', async () => {
  const slot = slotName('shop_20261121T000000Z.dump');
  await mkdir(join(directory, slot));
  await promisify(execFile)('mkfifo', [join(directory, slot, 'a.owner.json')]);
  const place = placeWhere(() => 'dead');
  expect(await place.sweep(AbortSignal.timeout(5_000))).toEqual([]);
  expect(await readdir(join(directory, slot))).toEqual(['a.owner.json']);
});

it('who was swept while it stood still does not give away what another holds', async () => {
  const place = placeWhere(() => 'unknown');
  const late = await holdOfLongAgo(place);
  expect(await place.sweep(never)).toEqual([HOLD]);
  const held = await place.hold('shop', B, never);
  await late?.close();
  expect(await place.hold('shop', C, never)).toBeUndefined();
  await held?.close();
  expect(await readdir(directory)).toEqual([]);
});

it('who was swept while it stood still is told so by its next renewal, and who has it now is not', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const place = placeWhere(() => 'unknown');
  const late = await holdOfLongAgo(place);
  await place.sweep(never);
  const held = await place.hold('shop', B, never);
  vi.advanceTimersByTime(30_000);
  await vi.waitFor(() => expect(late?.lost.reason).toMatchObject({ code: 'lease_lost' }));
  expect(held?.lost.aborted).toBe(false);
});

it('of many who find a dead hold at once one alone has it, and nothing else is left', async () => {
  const place = placeWhere((worker) => (worker === A.worker ? 'dead' : 'alive'));
  for (let round = 0; round < 10; round += 1) {
    await place.hold('shop', A, never);
    const tried = async (_: unknown, index: number) => {
      for (let tries = 0; tries < 5; tries += 1) {
        const held = await place.hold('shop', ownerCalled(`1${index}`), never);
        if (held !== undefined) return held;
        await place.sweep(never);
      }
      return undefined;
    };
    const held = (await Promise.all(Array.from({ length: 4 }, tried))).filter((one) => one !== undefined);
    expect(held).toHaveLength(1);
    await held[0]?.close();
    expect(await readdir(directory)).toEqual([]);
  }
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['a file', (path) => writeFile(path, '')],
  ['a pipe', (path) => promisify(execFile)('mkfifo', [path])],
  ['a link to a directory', (path) => symlink(tmpdir(), path)],
  ['a directory of somebody', (path) => mkdir(join(path, 'mine'), { recursive: true })],
  [
    'a directory where somebody tells an owner',
    async (path) => {
      await mkdir(path);
      await writeFile(join(path, 'a.owner.json'), 'mine');
    },
  ],
])('%s that has the name of a hold is for a person to remove, who is told its path', async (_, make) => {
  const path = join(directory, HOLD);
  await make(path);
  const place = placeWhere(() => 'dead');
  const message = expect.stringMatching(/^\S+\/\.shop\.muster-take has .* no slot of Muster.* remove it\.$/);
  await expect(place.hold('shop', A, never)).rejects.toMatchObject({ code: 'take_unwritable', message });
  expect(await place.sweep(never)).toEqual([]);
  expect(await readdir(directory)).toEqual([HOLD]);
});

it('a hold that died before it said whose it is, or while it was removed, is had by the next', async () => {
  const place = placeWhere(() => 'alive');
  await mkdir(join(directory, HOLD));
  const held = await place.hold('shop', A, never);
  await held?.close();
  await mkdir(join(directory, HOLD));
  await writeFile(join(directory, HOLD, 'a.owner.json'), '');
  expect(await place.hold('shop', B, never)).toBeUndefined();
  expect(await place.sweep(never)).toEqual([HOLD]);
  expect(await place.hold('shop', B, never)).toBeDefined();
});
