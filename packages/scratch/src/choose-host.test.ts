import type { IsolationChoice } from '@muster/core';
import { expect, it } from 'vitest';
import { type Candidates, chooseAmong } from './choose-host.js';
import type { ScratchHost } from './scratch.js';

const host = (isolation: ScratchHost['isolation']): ScratchHost => ({
  isolation,
  prepare: () => Promise.reject(new Error('not asked')),
  inspect: () => Promise.reject(new Error('not asked')),
  launch: () => Promise.reject(new Error('not asked')),
  runNetworked: () => Promise.reject(new Error('not asked')),
  sweep: async () => [],
  removeCells: async () => {},
  kept: async () => [],
  capacity: () => Promise.reject(new Error('not asked')),
});

interface World {
  readonly docker: 'absent' | 'has image' | 'can pull' | 'cannot pull';
  readonly bubblewrap: boolean;
}

const among = ({ docker, bubblewrap }: World): Candidates => ({
  detectDocker: async () =>
    docker === 'absent'
      ? { available: false, reason: 'no daemon listens: start Docker' }
      : {
          available: true,
          hasImage: async () => docker === 'has image',
          canPull: async () => docker === 'can pull',
        },
  docker: () => host('docker'),
  detectBubblewrap: async () =>
    bubblewrap
      ? { available: true }
      : { available: false, why: 'bwrap cannot be found', remedy: 'install bubblewrap' },
  bubblewrap: () => host('bubblewrap'),
});

const choose = async (
  kind: IsolationChoice,
  world: World,
  onFallback?: (why: string) => void,
  named = false,
): Promise<string> => {
  const request = { kind, image: 'postgres:17', named, onFallback };
  return (await chooseAmong(request, among(world), new AbortController().signal)).isolation;
};

it.each([
  ['has image', true, 'docker'],
  ['can pull', true, 'docker'],
  ['cannot pull', true, 'bubblewrap'],
  ['absent', true, 'bubblewrap'],
  // Docker then says itself why it has no such image.
  ['cannot pull', false, 'docker'],
] as const)('auto, with Docker %s and bubblewrap %s, takes %s', async (docker, bubblewrap, taken) => {
  expect(await choose('auto', { docker, bubblewrap })).toBe(taken);
});

it.each([
  ['has image', []],
  ['cannot pull', [expect.stringContaining('Docker has no image postgres:17')]],
  ['absent', ['no daemon listens: start Docker']],
] as const)('auto, with Docker %s, says why it takes bubblewrap, where it does', async (docker, said) => {
  const heard: string[] = [];
  await choose('auto', { docker, bubblewrap: true }, (why) => heard.push(why));
  await choose('bubblewrap', { docker, bubblewrap: true }, (why) => heard.push(why));
  expect(heard).toEqual(said);
});

it('a kind that is named is taken, or nothing', async () => {
  expect(await choose('bubblewrap', { docker: 'has image', bubblewrap: true })).toBe('bubblewrap');
  expect(await choose('docker', { docker: 'cannot pull', bubblewrap: true })).toBe('docker');
  const noBubblewrap = choose('bubblewrap', { docker: 'has image', bubblewrap: false });
  await expect(noBubblewrap).rejects.toMatchObject({ code: 'isolation_unavailable' });
  const noDocker = choose('docker', { docker: 'absent', bubblewrap: true });
  await expect(noDocker).rejects.toMatchObject({ code: 'isolation_unavailable' });
});

it.each(['has image', 'can pull', 'cannot pull'] as const)(
  'auto, with an image that a source names and Docker %s, is Docker, which may say why it has none',
  async (docker) => {
    const heard: string[] = [];
    expect(await choose('auto', { docker, bubblewrap: true }, (why) => heard.push(why), true)).toBe('docker');
    expect(heard).toEqual([]);
  },
);

it('auto, with an image that a source names and no Docker, takes nothing in its place', async () => {
  await expect(choose('auto', { docker: 'absent', bubblewrap: true }, undefined, true)).rejects.toMatchObject(
    {
      code: 'isolation_unavailable',
      message: expect.stringMatching(/names the image postgres:17.*start Docker.*leave out the `image:`/),
    },
  );
});

it('where there is nothing, says what to install', async () => {
  const nothing = choose('auto', { docker: 'absent', bubblewrap: false });
  await expect(nothing).rejects.toThrow(/start Docker.*install bubblewrap/);
});

it('podman is refused by name', async () => {
  const podman = choose('podman', { docker: 'has image', bubblewrap: true });
  await expect(podman).rejects.toMatchObject({ code: 'not_supported_yet' });
});
