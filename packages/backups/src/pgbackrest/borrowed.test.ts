import { describe, expect, it } from 'vitest';
import { isAmong, readBorrowed } from './borrowed.js';
import { encrypted, writeInfo } from './info-file.fixture.js';

const FULL = '20261121-131855F';
const DIFF = `${FULL}_20261121-131858D`;
const INCR = `${FULL}_20261121-131901I`;

const FILES = {
  'pg_data/PG_VERSION': { size: 3, reference: FULL },
  'pg_data/base/1/112': { size: 8192, reference: DIFF },
  'pg_data/base/1/113': { size: 8192, bni: 2, bno: 17, reference: FULL },
  'pg_data/base/1/114': { size: 8192, bni: 1 },
  'pg_data/a=b': { size: 1 },
};
const manifest = (backup: object = {}, files: object = FILES) =>
  writeInfo({
    backrest: { 'backrest-format': 5, 'backrest-version': '2.55.1' },
    backup: { 'backup-label': INCR, ...backup },
    'target:file': files,
    'target:path': { pg_data: {} },
  });

/** In pieces of a few bytes, as what flows may come. */
const read = (text: string | Buffer, passphrase?: string) =>
  readBorrowed({
    name: 'backup.manifest',
    passphrase,
    bytes: async function* () {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
    },
  });

describe('what a set borrows of others', () => {
  const BORROWED = new Map([
    [FULL, new Set(['pg_data/PG_VERSION', 'bundle/2'])],
    [DIFF, new Set(['pg_data/base/1/112'])],
  ]);

  it('is what its manifest refers to, in files and in bundles', async () => {
    expect(await read(manifest())).toEqual(BORROWED);
  });

  it('is known from a manifest that is encrypted', async () => {
    expect(await read(encrypted(manifest(), 'a pass'), 'a pass')).toEqual(BORROWED);
  });

  it('is all of those that it refers to where blocks of its files may lie there', async () => {
    const backup = { 'backup-block-incr': true, 'backup-reference': `${FULL},${DIFF},${INCR}` };
    expect([...(await read(manifest(backup))).entries()]).toEqual([
      [FULL, 'all'],
      [DIFF, 'all'],
      [INCR, 'all'],
    ]);
  });

  it.each([
    ['a changed byte', manifest().replace('8192', '8193')],
    ['no end', manifest().slice(0, -60)],
    ['a set that leads elsewhere', manifest({}, { 'pg_data/x': { reference: '../other' } })],
    ['a file of another form', manifest({}, { 'pg_data/x': 7 })],
    ['an end too early, encrypted', encrypted(manifest(), 'a pass').subarray(0, -5)],
  ])('is not known from a manifest with %s', async (_, text) => {
    await expect(read(text, typeof text === 'string' ? undefined : 'a pass')).rejects.toMatchObject({
      code: 'corrupt',
    });
  });

  it('is not told by a wrong passphrase', async () => {
    await expect(read(encrypted(manifest(), 'a pass'), 'another')).rejects.toMatchObject({
      code: 'decrypt_failed',
    });
  });

  it.each(['pg_data/base/1/112', 'pg_data/base/1/112.gz', 'pg_data/base/1/112.zst'])(
    'has the path %s in a repository',
    (path) => {
      expect(isAmong(new Set(['pg_data/base/1/112']), path)).toBe(true);
      expect(isAmong(new Set(['pg_data/base/1/11']), path)).toBe(false);
      expect(isAmong('all', path)).toBe(true);
    },
  );
});
