import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Preflight } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { type ProjectOptions, projectOfEachTest } from '../support/drill-project.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const DAY_MS = 86_400_000;

describe.runIf(canRunIn('docker'))('doctor --source', () => {
  const project = projectOfEachTest();
  const given = async (
    source: readonly string[],
    days: readonly number[],
    options: Partial<ProjectOptions> = {},
  ) => {
    const lines = ['restore_only: true', ...source];
    const made = await project({ isolation: 'docker', checks: {}, source: lines, ...options });
    for (const day of days) {
      const path = join(made.dumps, `${day}.sql`);
      await writeFile(path, plainDump('SELECT 1;'));
      const at = new Date(Date.now() - day * DAY_MS);
      await utimes(path, at, at);
    }
    const doctor = (...args: readonly string[]) => made.muster(['doctor', '--source', 'shop', ...args]);
    const json = async (...args: readonly string[]) => {
      const ended = await doctor('--json', ...args);
      const told = JSON.parse(ended.stdout) as { readonly preflights: readonly [Preflight] };
      return { exitCode: ended.exitCode, preflight: told.preflights[0] };
    };
    return { ...made, doctor, json };
  };

  it('tells of the next drill, and leaves nothing of it behind', async () => {
    const { doctor, muster } = await given(['objectives: { rpo: 26h, enforce: none }'], [3]);
    const { stdout, exitCode } = await doctor();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✔ shop +3\.sql · \d+ B · plain · made 3 days ago/);
    expect(stdout).toMatch(/shop: version +of PostgreSQL 15\.2/);
    expect(stdout).toMatch(/shop: rpo +3 d 00 h of 1 d 02 h · missed, and not enforced/);
    expect(stdout).toMatch(/shop: server +muster\.test\/postgres:15 · PostgreSQL 15\.\d+ · docker/);
    expect(stdout).toMatch(/shop: scratch +2GiB of memory, 20GiB of disk at the most; /);
    expect(await muster(['drill', 'list'])).toMatchObject({ stdout: expect.stringContaining('no receipts') });
  });

  it('looks at what a schedule means, or at the backup that is asked for; what is drawn by lot is not promised', async () => {
    const schedule = '{ name: weekly, cron: "0 3 * * 0", restore_point: { random: { days: 14 } } }';
    const { doctor, json } = await given([`schedules: [${schedule}]`], [1, 5, 30]);
    expect((await json('--schedule', 'weekly')).preflight).toMatchObject({
      schedule: 'weekly',
      outlook: 'run',
      look: { restore_point: { kind: 'random', asked: '14d', listed: 3, drawn: true } },
    });
    expect((await json('--at', '-2d')).preflight).toMatchObject({ look: { backup: { id: '5.sql' } } });
    const unknown = await doctor('--schedule', 'none');
    expect(unknown).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('it has weekly') });
  });

  it('ends as the drill would: 1 where its backup is at fault, 2 where it could not be judged', async () => {
    const { doctor, json, drill } = await given([], [1]);
    const none = await json('--backup', 'none');
    expect(none).toMatchObject({ exitCode: 1, preflight: { outlook: 'fail', reason: 'no_backup' } });
    expect((await doctor('--backup', 'none')).stdout).toContain('A drill would fail');
    const drilled = await drill(['--backup', 'none']);
    expect(drilled).toMatchObject({ exitCode: 1, predicate: { reason: 'no_backup' } });
    const away = await given(['image: "127.0.0.1:1/muster/absent:1"'], [1]);
    expect(await away.json()).toMatchObject({
      exitCode: 2,
      preflight: { outlook: 'error', reason: 'image_unavailable' },
    });
  });
});
