import { execFile } from 'node:child_process';
import { appendFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listingKey } from '@muster/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type DrillProject, drillProject } from '../support/drill-project.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const DAY_MS = 86_400_000;

describe.runIf(canRunIn('bubblewrap'))('which backup is drilled', () => {
  let project: DrillProject;
  afterEach(async () => {
    const left = await project.leftovers();
    await project.remove();
    expect(left).toEqual([]);
  });

  const given = async (source: readonly string[], days: readonly number[]) => {
    const checks = { day: ['SELECT day FROM t', 'day >= 0'] } as const;
    project = await drillProject({ isolation: 'bubblewrap', source, checks });
    for (const day of days) {
      const path = join(project.dumps, `${day}-days.sql`);
      await writeFile(path, plainDump(`CREATE TABLE t AS SELECT ${day} AS day;`));
      const at = new Date(Date.now() - day * DAY_MS);
      await utimes(path, at, at);
    }
  };
  const drill = async (...args: readonly string[]) => {
    const { predicate, exitCode, stdout } = await project.drill(args);
    const day = predicate?.checks[0]?.summary?.['day'];
    return { predicate, exitCode, stdout, day };
  };
  const receipts = (count: number): string => join(project.folder, `receipt-${count}.json`);
  /** As docs/restore-points.md has it for whoever has no Muster. */
  const drawnByShell = async (receipt: string): Promise<string> => {
    const docs = await readFile('docs/restore-points.md', 'utf8');
    const [, script = ''] = /```sh\n(.*?)```/s.exec(docs) ?? [];
    const options = { cwd: project.folder, env: { ...process.env, RECEIPT: receipt } };
    return (await promisify(execFile)('sh', ['-euc', script], options)).stdout.trim();
  };
  const verify = (...args: readonly string[]) => project.muster(['verify', ...args, '--keyring', 'keys']);

  it('is the one by lot of a window, which muster verify draws again; a newest that stays the same is warned of', async () => {
    await given([], [2, 9, 30]);
    const drawn = await drill('--random', '--days', '14');
    expect(drawn).toMatchObject({ exitCode: 0, predicate: { newest_backup: { id: '2-days.sql' } } });
    expect([2, 9]).toContain(drawn.day);
    const { listing_sha256: digest = '' } = drawn.predicate?.restore_point ?? {};
    const listing = join(project.folder, 'evidence', listingKey(digest));
    const ids = JSON.parse(await readFile(listing, 'utf8')).map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['9-days.sql', '2-days.sql']);

    expect((await verify(receipts(1), '--listing', listing)).stdout).toContain(
      `drawn again, the lot falls on ${drawn.day}-days.sql`,
    );
    expect(await project.muster(['drill', 'show', drawn.predicate?.drill_id ?? ''])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/random 14d/),
    });
    expect(await drawnByShell(receipts(1))).toBe(drawn.predicate?.restore_point.resolved);
    const forged = join(project.folder, 'forged.json');
    await writeFile(forged, '[]');
    expect(await verify(receipts(1), '--listing', forged)).toMatchObject({ exitCode: 5 });

    expect(await drill('--at', '-3d')).toMatchObject({ day: 9, exitCode: 0 });
    expect(await verify(receipts(2), '--listing', listing)).toMatchObject({ exitCode: 64 });
    expect(await drill('--oldest')).toMatchObject({ day: 30, exitCode: 0 });
    const { predicate, stdout } = await drill();
    expect(predicate?.restore?.warnings).toContainEqual({ code: 'newest_unchanged', count: 3 });
    expect(stdout).toContain('is the one that the 3 drills before this one found');
  });

  it('has a reason of its own where there is none', async () => {
    await given([], [9]);
    const { exitCode, predicate } = await drill('--at', '-10d');
    expect([exitCode, predicate?.reason]).toEqual([1, 'no_backup_before']);
    expect((await drill('--random', '--days', '3')).predicate?.reason).toBe('no_backup_in_window');
  });

  it('fails, though it restores, where the newest is older than was promised', async () => {
    await given(['objectives: { rpo: 26h, rto: 1h }'], [2, 9]);
    const missed = await drill('--oldest');
    expect(missed).toMatchObject({
      exitCode: 1,
      day: 9,
      predicate: {
        reason: 'rpo_missed',
        objectives: { enforce: 'rpo', rpo_s: 93_600, rpo_met: false, rto_s: 3600, rto_met: true },
      },
    });
    expect(missed.stdout).toMatch(
      /The age of the newest backup, 2-days\.sql, is 2 d 00 h, and 1 d 02 h is allowed/,
    );
    expect(missed.stdout).toMatch(/^ *rto +.* of 1 h 00 min · met$/m);
    expect(await verify(receipts(1))).toMatchObject({ exitCode: 0 });
  });

  it('is never one that is being written', async () => {
    await given([], [2]);
    const path = join(project.dumps, 'growing.sql');
    await writeFile(path, plainDump('CREATE TABLE t AS SELECT 0 AS day;'));
    const writing = setInterval(() => void appendFile(path, '-- more\n'), 50);
    try {
      expect(await drill()).toMatchObject({ day: 2, exitCode: 0 });
      const { exitCode, predicate } = await drill('--backup', 'growing.sql');
      expect([exitCode, predicate?.reason]).toEqual([2, 'backup_unfinished']);
    } finally {
      clearInterval(writing);
    }
    expect(await drill()).toMatchObject({ day: 0, exitCode: 0 });
  });
});
