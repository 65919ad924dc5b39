import { parseConfig } from '@muster/core';
import type { ScratchHost, WantedImage } from '@muster/scratch';
import { expect, it } from 'vitest';
import { chooseImage } from './choose-image.js';

const chosen = async (source: string) => {
  const text = `sources: [{ slug: shop, kind: postgres, restore_only: true, ${source} }]`;
  const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: '/' });
  if (!parsed.ok || parsed.config.sources[0] === undefined) throw new Error('it has no faults');
  const { config } = parsed;
  const asked: WantedImage[] = [];
  const hostFor = async (wanted: WantedImage) => {
    asked.push(wanted);
    return {} as ScratchHost;
  };
  const request = { source: parsed.config.sources[0], config };
  const { image, remedy } = await chooseImage({ hostFor }, request, 17, new AbortController().signal);
  return { image, remedy, asked };
};

const dump = 'backup: { type: dump, location: /b }';
const pgbackrest = 'backup: { type: pgbackrest, stanza: main, repo: { path: /r } }';

it('asks for the image of the configuration, for which others may stand in', async () => {
  const asked = [{ image: 'postgres:17', named: false }];
  expect(await chosen(dump)).toEqual({ image: 'postgres:17', remedy: undefined, asked });
});

it('asks for the very image that a source names', async () => {
  expect(await chosen(`${dump}, image: "a/b:1"`)).toEqual({
    image: 'a/b:1',
    remedy: expect.stringContaining('docker pull a/b:1'),
    asked: [{ image: 'a/b:1', named: true }],
  });
});

it('tells of pgBackRest how its image is built', async () => {
  const build = (tag: string) => `docker build --build-arg MAJOR=17 -t ${tag} deploy/pgbackrest`;
  expect((await chosen(`${pgbackrest}, image: "a/b:1"`)).remedy).toContain(build('a/b:1'));
  expect((await chosen(pgbackrest)).remedy).toContain(build('muster.local/postgres-pgbackrest:17'));
});
