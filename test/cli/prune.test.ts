import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newDrillId, RECORD_SUFFIX, receiptKey } from '@muster/core';
import { createDirectoryStore } from '@muster/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backupName, bytesOf, type KeptBackups, keptBackups } from '../support/kept-backups.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';

const configOf = (take: string): string => `sources:
  - slug: shop
    kind: postgres
    connection: { uri: env:SHOP_URI }
    backup: { type: dump, location: dumps }
    restore_only: true
    take: { ${take} }
`;

let here: MusterFolder;
let backups: KeptBackups;
beforeEach(async () => {
  here = await musterFolder({ 'muster.yaml': configOf('cron: "0 0 * * *", retain: { count: 2 }') });
  backups = await keptBackups(here);
});
afterEach(() => here.remove());

const there = async () => (await readdir(join(here.folder, 'dumps'))).sort();
const withRecords = (...days: readonly number[]) =>
  days.flatMap((day) => [backupName(day), `${backupName(day)}${RECORD_SUFFIX}`]).sort();

describe('muster backup prune', () => {
  it('deletes what retention does not keep, and tells why all else is kept: just what it said in a dry run', async () => {
    await Promise.all([1, 2, 3, 4, 5, 6].map(backups.take));
    await writeFile(join(here.folder, 'dumps', 'theirs.dump'), 'theirs');
    await backups.drilled(backupName(5), bytesOf(5), 5, 'pass');
    await backups.drilled(backupName(2), bytesOf(2), 2, 'fail');
    const drill = await backups.drilling(backupName(4));
    const before = await there();

    const dry = await here.run(['backup', 'prune', '--dry-run', '--json']);
    expect(dry.exitCode).toBe(0);
    const told = JSON.parse(dry.stdout);
    const kept = (day: number, kept_for: string) => ({ id: backupName(day), outcome: 'kept', kept_for });
    const goes = (day: number, outcome: string) => ({ id: backupName(day), outcome });
    const expected = (outcome: string) => [
      { id: 'theirs.dump', outcome: 'kept', kept_for: 'not_musters', detail: 'no record lies beside it' },
      kept(1, 'newest'),
      kept(2, 'count'),
      goes(3, outcome),
      { ...kept(4, 'drill'), detail: drill },
      kept(5, 'passed'),
      goes(6, outcome),
    ];
    expect(told).toMatchObject({
      ...{ source: 'shop', dry_run: true, freed_bytes: 2 * bytesOf(3).length },
      backups: expected('expired'),
    });
    expect(await there()).toEqual(before);

    const real = await here.run(['backup', 'prune', '--json']);
    expect(JSON.parse(real.stdout)).toMatchObject({ dry_run: false, backups: expected('removed') });
    expect(await there()).toEqual([...withRecords(1, 2, 4, 5), 'theirs.dump'].sort());

    const again = await here.run(['backup', 'prune']);
    expect(again.stdout).toContain('the newest that passed its drill');
    expect(again.stdout).toContain("not Muster's: no record lies beside it");
    expect(again.stdout).toContain('0 backups removed, 0 B freed');
  });

  it('deletes nothing before one has passed, but by a person’s word', async () => {
    await Promise.all([1, 2, 3].map(backups.take));
    await backups.drilled(backupName(3), 'other bytes of that name', 3, 'pass');
    const { stdout } = await here.run(['backup', 'prune']);
    expect(stdout).toContain('none that is here has passed a drill');
    expect(await there()).toEqual(withRecords(1, 2, 3));
    await here.run(['backup', 'prune', '--unproven']);
    expect(await there()).toEqual(withRecords(1, 2));
  });

  it('deletes nothing where evidence cannot be read, or is signed by nobody who counts', async () => {
    await Promise.all([1, 2, 3].map(backups.take));
    await backups.drilled(backupName(1), bytesOf(1), 1, 'pass');
    await rm(join(here.folder, 'keys'), { recursive: true });
    const unreadable = await here.run(['backup', 'prune']);
    expect(unreadable).toMatchObject({ exitCode: 2, stdout: '' });
    await here.run(['keys', 'generate', '--out', 'other.key']);
    expect((await here.run(['backup', 'prune'])).stdout).toContain('none that is here has passed a drill');
    expect(await there()).toEqual(withRecords(1, 2, 3));
  });

  it('takes no copy of a receipt for a drill of its own', async () => {
    await Promise.all([1, 2, 3, 4].map(backups.take));
    const passed = await backups.drilled(backupName(4), bytesOf(4), 4, 'pass');
    const store = createDirectoryStore(join(here.folder, 'evidence'));
    const signal = AbortSignal.timeout(60_000);
    const bytes = await store.get(receiptKey('shop', passed), signal);
    await rm(join(here.folder, 'evidence', 'receipts'), { recursive: true });
    await store.putOnce(receiptKey('shop', newDrillId(new Date())), bytes, signal);
    expect((await here.run(['backup', 'prune'])).stdout).toContain('none that is here has passed a drill');
    expect(await there()).toEqual(withRecords(1, 2, 3, 4));
  });

  it('deletes nothing without retain, and says that nothing ever is, as does the check of the configuration', async () => {
    await here.write('muster.yaml', configOf('cron: "0 0 * * *"'));
    await Promise.all([1, 2, 3].map(backups.take));
    expect(await here.run(['backup', 'prune'])).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('has no take.retain, so that nothing of it is ever deleted'),
    });
    expect(await there()).toEqual(withRecords(1, 2, 3));
    expect(await here.run(['config', 'check'])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('shop: retention: nothing is ever deleted'),
    });
  });
});
