import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupName, bytesOf, type KeptBackups, keptBackups, made } from '../support/kept-backups.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';

const CONFIG = `sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: dumps, match: "*" }
    restore_only: true
  - { slug: elsewhere, kind: postgres, backup: { type: dump, location: absent }, restore_only: true }
  - { slug: direct, kind: postgres, connection: { uri: env:DIRECT_URI }, restore_only: true }
`;

describe('muster backup list and info', () => {
  let here: MusterFolder;
  let backups: KeptBackups;
  let drills: readonly string[];
  beforeAll(async () => {
    here = await musterFolder({ 'muster.yaml': CONFIG });
    backups = await keptBackups(here);
    await Promise.all([1, 2].map(backups.take));
    const theirs = join(here.folder, 'dumps', 'theirs.dump');
    await writeFile(theirs, 'theirs');
    await utimes(theirs, made(3), made(3));
    for (const hidden of ['.shop.dump.tak_1.part', 'x.dump.part', '.old.dump.muster-retired'])
      await writeFile(join(here.folder, 'dumps', hidden), 'x');
    drills = [
      await backups.drilled(backupName(2), bytesOf(2), 2, 'pass'),
      await backups.drilled(backupName(2), bytesOf(2), 1, 'fail'),
      await backups.drilled(backupName(1), 'other bytes of that name', 1, 'pass'),
    ];
  });
  afterAll(() => here?.remove());

  it('tell which backups there are, whose, and what their last drills found; records and hidden names are none', async () => {
    const { exitCode, stdout } = await here.run(['backup', 'list', '--source', 'shop', '--json']);
    expect(exitCode).toBe(0);
    const [{ backups: listed, ...source }] = JSON.parse(stdout).sources;
    expect(source).toMatchObject({ source: 'shop', type: 'dump', count: 3 });
    expect(listed).toMatchObject([
      {
        id: backupName(1),
        origin: 'muster',
        size_bytes: bytesOf(1).length,
        take: { trigger: { kind: 'cli' } },
      },
      { id: backupName(2), origin: 'muster', last_drill: { id: drills[1], result: 'fail' } },
      { id: 'theirs.dump', origin: 'other', created_at_from: 'mtime', state: 'whole' },
    ]);
    expect(listed[0]).not.toHaveProperty('last_drill');
    expect(Math.round(listed[1].age_s / 86_400)).toBe(2);
  });

  it('list all sources, those that keep nothing and those that cannot be listed too', async () => {
    const { exitCode, stdout, stderr } = await here.run(['backup', 'list']);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/shop +theirs\.dump .*another +none/);
    expect(stdout).toContain('direct is dumped live for each drill: nothing of it is kept');
    expect(stdout).toContain('elsewhere: its backups could not be listed (backup_unreadable)');
    expect(stderr).toContain('There is no directory');
  });

  it('tell all of one backup', async () => {
    const { stdout } = await here.run(['backup', 'info', backupName(2), '--source', 'shop', '--json']);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ id: backupName(2), created_at_from: 'name', sha256: expect.any(String) });
    expect(told.drills.map(({ id }: { id: string }) => id)).toEqual([drills[1], drills[0]]);
    const text = (await here.run(['backup', 'info', backupName(2), '--source', 'shop'])).stdout;
    expect(text).toMatch(/taken by +Muster/);
    expect(await here.run(['backup', 'info', 'none.dump', '--source', 'shop'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('No backup of the id "none.dump"'),
    });
  });
});
