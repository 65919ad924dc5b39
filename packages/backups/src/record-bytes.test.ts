import { type BackupRecord, backupRecordSchema, compareFidelity, type FidelityManifest } from '@muster/core';
import { expect, it } from 'vitest';
import { recordBytes } from './record-bytes.js';

const digest = `sha256:${'a'.repeat(64)}`;
const manifest = (names: readonly string[]): FidelityManifest => ({
  ...{ level: 'counts', version: 1, major: 15, unavailable: [] },
  databases: [
    {
      ...{ name: 'shop', sequences: [], extensions: [], objects: [], sentinels: [] },
      tables: names.map((name) => ({ name, rows: '1' })),
    },
  ],
});
const recordOf = (fidelity?: FidelityManifest): BackupRecord => ({
  type: 'urn:muster:backup:v1',
  source: { slug: 'shop', kind: 'postgres' },
  backup: { id: 'shop.dump', sha256: digest, size_bytes: 1, format: 'custom' },
  ...(fidelity && { fidelity }),
});
const read = (bytes: Buffer): BackupRecord => backupRecordSchema.parse(JSON.parse(bytes.toString('utf8')));

it('is what was recorded, in fewer bytes where it has to be', () => {
  const record = recordOf(manifest(['public.item', 'public.sale']));
  const spaced = recordBytes(record);
  const dense = recordBytes(record, spaced.length - 1);
  expect(dense.length).toBeLessThan(spaced.length);
  expect([read(spaced), read(dense), read(recordBytes(recordOf()))]).toEqual([record, record, recordOf()]);
});

it.each([
  ['too_many', manifest(['public.item']), 10],
  ['malformed', manifest(['x'.repeat(301)]), undefined],
] as const)('can be read where its manifest could not be, and says so (%s)', (reason, fidelity, most) => {
  const { backup, fidelity: left } = read(recordBytes(recordOf(fidelity), most));
  expect(backup.id).toBe('shop.dump');
  expect(left && compareFidelity(left, manifest(['public.item']))).toMatchObject({
    ...{ verdict: 'unavailable', reason },
    not_compared: [{ what: 'databases', reason }],
  });
});
