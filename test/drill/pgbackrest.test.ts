import { readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { IMAGES } from '../support/images.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import {
  hasPgbackrest,
  pgbackrestRepositories,
  type Repositories,
  randomPoint,
} from '../support/pgbackrest-repositories.ts';
import { predicateIn } from '../support/predicate-in.ts';
import { requirement } from '../support/requirement.ts';

const MAY_RUN = requirement(
  'pgbackrest',
  hasPgbackrest(IMAGES[15]) && hasPgbackrest(IMAGES[17]),
  `no Docker answers that has the images ${IMAGES[15]} and ${IMAGES[17]} with pgBackRest`,
);

describe.runIf(MAY_RUN)('a pgBackRest repository', () => {
  let repositories: Repositories;
  let older: Repositories;
  let folder: MusterFolder | undefined;
  beforeAll(async () => {
    [repositories, older] = await Promise.all([
      pgbackrestRepositories(IMAGES[17]),
      pgbackrestRepositories(IMAGES[15], 'boss'),
    ]);
  }, 180_000);
  afterAll(async () => {
    await repositories?.remove();
    await older?.remove();
  });
  afterEach(async () => {
    await folder?.remove();
    folder = undefined;
  });

  /** @param rows - that the check expects in the table. */
  async function drill(rows: number, args: readonly string[] = [], backup: Backup = {}, env = {}) {
    const {
      path = repositories.plain,
      more = '',
      ask = 'SELECT max(id) AS last, count(*) AS n FROM t',
      fidelity = 'off',
    } = backup;
    folder = await musterFolder({
      'muster.yaml': [
        `sources: [{ slug: shop, kind: postgres, checks: [rows], objectives: { rpo: 1h }, fidelity: ${fidelity}, backup: { type: pgbackrest, stanza: ${repositories.stanza}, repo: { path: ${path}${more} } } }]`,
        `checks: [{ id: rows, summary_sql: ${JSON.stringify(ask)}, expect: "last == ${rows}" }]`,
        'scratch: { kind: docker, images: { postgres: "muster.test/postgres:{major}" } }',
      ].join('\n'),
    });
    const ran = await folder.run(['drill', 'run', '--source', 'shop', '--receipt', 'receipt', ...args], env);
    const predicate = await predicateIn(folder);
    return { ...ran, predicate };
  }

  const setOf = async (type: 'F' | 'D' | 'I', path = repositories.plain): Promise<string> => {
    const names = await readdir(join(path, 'backup', repositories.stanza));
    const name = names.find((one) => /^\d{8}-/.test(one) && one.endsWith(type));
    if (name === undefined) throw new Error(`there is no set of the type ${type}`);
    return name;
  };

  it('its latest is the newest set and all WAL after it', async () => {
    const { predicate, exitCode } = await drill(7);
    expect(exitCode).toBe(0);
    expect(predicate).toMatchObject({
      result: 'pass',
      backup: { id: await setOf('I'), format: 'pgbackrest-incr', created_at_from: 'header' },
      environment: { engine_version: expect.stringMatching(/^17\./) },
      recovery: {
        target: { kind: 'latest' },
        reached: true,
        last_commit_before: repositories.commits.at(-1)?.at,
      },
      objectives: { rpo_met: true },
      checks: [{ verdict: 'pass', summary: { last: 7, n: 7 } }],
    });
  });

  it('the digest in the receipt is that of the manifest of the set', async () => {
    const set = await setOf('F');
    const manifest = join(repositories.plain, 'backup', repositories.stanza, set, 'backup.manifest');
    const { predicate } = await drill(1, ['--oldest']);
    expect(predicate).toMatchObject({ result: 'pass', backup: { id: set } });
    const verified = await folder?.run(['verify', 'receipt', '--keyring', 'keys', '--artefact', manifest]);
    expect(verified).toMatchObject({ exitCode: 0 });
  });

  it('a set by its name is that set alone, of which no moment was recorded, and a receipt says so', async () => {
    const { predicate, stdout } = await drill(2, ['--backup', await setOf('D')], { fidelity: 'full' });
    expect(predicate).toMatchObject({ result: 'pass', recovery: { target: { kind: 'immediate' } } });
    expect(predicate?.fidelity).toEqual({ verdict: 'unavailable', reason: 'no_snapshot' });
    expect(stdout).toContain('the source has no moment to share with its dump');
    const verified = await folder?.run(['verify', 'receipt', '--keyring', 'keys']);
    expect(verified).toMatchObject({ exitCode: 0 });
  });

  it.each([1, 2, 3])(
    'a random point in time shows the row before it and not the one after (%i)',
    async () => {
      const { at, before, after } = randomPoint(repositories.commits.slice(3));
      const { predicate } = await drill(before.id, ['--at', at]);
      expect(predicate).toMatchObject({
        result: 'pass',
        restore_point: { kind: 'time', asked: at },
        recovery: {
          target: { kind: 'time', value: at },
          last_commit_before: before.at,
          first_commit_after: after.at,
          proof: 'both_sides',
        },
        checks: [{ summary: { last: before.id, n: before.id } }],
      });
    },
  );

  it('a time before the newest set was whole is recovered from one before it', async () => {
    const third = repositories.commits[2]?.at ?? '';
    const { predicate } = await drill(2, ['--at', new Date(Date.parse(third) - 1).toISOString()]);
    expect(predicate).toMatchObject({
      result: 'pass',
      backup: { id: expect.stringMatching(/[FD]$/) },
      recovery: { first_commit_after: third },
    });
  });

  it('a transaction is recovered with it and without the next', async () => {
    const { id, at, xid } = repositories.commits[4] ?? lacking();
    const { predicate } = await drill(id, ['--at', `xid:${xid}`]);
    expect(predicate).toMatchObject({
      result: 'pass',
      restore_point: { kind: 'xid', asked: xid, resolved: await setOf('I') },
      recovery: {
        target: { kind: 'xid', value: xid },
        last_commit_before: at,
        stopped: { side: 'after', xid, end: 'commit', at },
        proof: 'both_sides',
      },
      checks: [{ summary: { last: id, n: id } }],
    });
  });

  it('a name of before the newest set is found behind one before that', async () => {
    const [{ name }] = repositories.points;
    const { predicate, stderr } = await drill(2, ['--at', `name:${name}`]);
    expect(predicate).toMatchObject({
      result: 'pass',
      restore_point: { kind: 'name', asked: name, resolved: await setOf('D') },
      recovery: {
        target: { kind: 'name', value: name },
        stopped: { side: 'after', name },
        proof: 'both_sides',
      },
    });
    expect(stderr).toContain(await setOf('I'));
  });

  it('a WAL location is recovered from the newest set before it, and nothing from there on', async () => {
    const [{ lsn }] = repositories.points;
    const { predicate } = await drill(2, ['--at', `lsn:${lsn}`]);
    expect(predicate).toMatchObject({
      result: 'pass',
      restore_point: { resolved: await setOf('D') },
      recovery: {
        target: { kind: 'lsn', value: lsn },
        stopped: { side: 'before', lsn },
        proof: 'both_sides',
      },
    });
  });

  it('a set that the newest timeline does not go on from is proven alone, and no transaction after it', async () => {
    const path = await repositories.copy();
    const [cluster = ''] = await readdir(join(path, 'archive', repositories.stanza));
    const history = join(path, 'archive', repositories.stanza, cluster, '00000002.history');
    await writeFile(history, '1\t0/2000120\treached consistency\n', { mode: 0o644 });
    const { predicate } = await drill(3, ['--backup', await setOf('I')], { path });
    expect(predicate).toMatchObject({
      result: 'pass',
      recovery: { target: { kind: 'immediate' }, timeline: 1 },
    });
    await folder?.remove();
    const { xid } = repositories.commits[4] ?? lacking();
    const { predicate: second } = await drill(5, ['--at', `xid:${xid}`], { path });
    expect(second).toMatchObject({ result: 'error', reason: 'timeline_ambiguous' });
  });

  it('comes up whatever its own configuration asks for, with the libraries that the image has', async () => {
    const { predicate, stdout } = await drill(7, [], { ask: SETTINGS });
    expect(predicate).toMatchObject({
      result: 'pass',
      checks: [
        {
          summary: {
            archive_mode: 'off',
            restores: false,
            shared_preload_libraries: 'pg_stat_statements',
            max_connections: '321',
            hba_file: expect.stringMatching(/\/postgres\/pg_hba\.conf$/),
            ssl: 'off',
            huge_pages: 'try',
            is_in_recovery: false,
            outside: expect.not.stringMatching(/^\/tmp\/outside$/),
          },
        },
      ],
      restore: { warnings: [{ code: 'library_missing', count: 2 }] },
    });
    expect(stdout).toContain('library_missing');
  });

  it('one that is encrypted is opened with its passphrase, which is told nobody', async () => {
    const backup = { path: repositories.encrypted, more: ', cipher_pass: env:REPO_PASS' };
    const { predicate, stdout, stderr } = await drill(7, [], backup, { REPO_PASS: repositories.passphrase });
    expect(predicate?.result).toBe('pass');
    expect(`${stdout}${stderr}${JSON.stringify(predicate)}`).not.toContain(repositories.passphrase);
  });

  it('of PostgreSQL 15 whose superuser has another name is recovered as of a time', async () => {
    const { at, before, after } = randomPoint(older.commits.slice(3));
    const { predicate } = await drill(before.id, ['--at', at], { path: older.plain });
    expect(predicate).toMatchObject({
      result: 'pass',
      environment: { engine_version: expect.stringMatching(/^15\./) },
      recovery: { last_commit_before: before.at, first_commit_after: after.at, proof: 'both_sides' },
    });
  });

  it('of PostgreSQL 15 is recovered as of what its server has named', async () => {
    const [, { name }] = older.points;
    const { predicate } = await drill(5, ['--at', `name:${name}`], { path: older.plain });
    expect(predicate).toMatchObject({
      result: 'pass',
      recovery: {
        last_commit_before: older.commits[4]?.at,
        stopped: { side: 'after', name },
        proof: 'both_sides',
      },
    });
  });

  describe('cannot be proven', () => {
    const fault = async (...args: Parameters<typeof drill>) => {
      const { predicate, stderr, stdout } = await drill(...args);
      const { result, reason } = predicate ?? {};
      return { result, reason, said: `${stdout}${stderr}` };
    };

    it('with a wrong passphrase', async () => {
      const backup = { path: repositories.encrypted, more: ', cipher_pass: env:REPO_PASS' };
      const found = await fault(7, [], backup, { REPO_PASS: 'wrong' });
      expect(found).toMatchObject({ result: 'error', reason: 'decrypt_failed' });
    });

    it('at a time after its last WAL', async () => {
      const found = await fault(7, ['--at', new Date().toISOString()]);
      expect(found).toMatchObject({ result: 'fail', reason: 'target_not_reached' });
      expect(found.said).toContain(repositories.commits.at(-1)?.at);
    });

    it('as of a WAL location before its oldest set', async () => {
      expect(await fault(7, ['--at', 'lsn:0/1'])).toMatchObject({
        result: 'fail',
        reason: 'no_backup_before',
      });
    });

    it('with a gap in its WAL, which is named', async () => {
      const path = await repositories.copy();
      const segments = await segmentsOf(path);
      const lost = segments.at(-2) ?? '';
      await rm(lost);
      const hourAgo = new Date(Date.now() - 3_600_000);
      for (const segment of await segmentsOf(path)) await utimes(segment, hourAgo, hourAgo);
      const found = await fault(7, [], { path });
      expect(found).toMatchObject({ result: 'fail', reason: 'wal_gap' });
      expect(found.said).toContain(/([0-9A-F]{24})-/.exec(lost)?.[1]);
    });

    it('while its WAL is being archived out of order', async () => {
      const path = await repositories.copy();
      const segments = await segmentsOf(path);
      await rm(segments.at(-2) ?? '');
      await utimes(segments.at(-1) ?? '', new Date(), new Date());
      expect(await fault(7, [], { path })).toMatchObject({ result: 'error', reason: 'backup_unfinished' });
    });

    it('with a damaged WAL segment', async () => {
      const path = await repositories.copy();
      const segments = await segmentsOf(path);
      await writeFile(segments.at(-2) ?? '', 'this is no WAL');
      expect(await fault(7, [], { path })).toMatchObject({ result: 'fail', reason: 'corrupt' });
    });

    it('with a last WAL segment that is not the one that was archived', async () => {
      const path = await repositories.copy();
      const last = (await segmentsOf(path)).at(-1) ?? '';
      await rename(last, last.replace(/-[0-9a-f]{40}/, `-${'0'.repeat(40)}`));
      expect(await fault(7, [], { path })).toMatchObject({ result: 'fail', reason: 'corrupt' });
    });

    it('with a damaged file in the set', async () => {
      const path = await repositories.copy();
      const data = join(path, 'backup', repositories.stanza, await setOf('F', path), 'pg_data/global');
      const [file = ''] = (await readdir(data)).filter((name) => /^\d+\.gz$/.test(name));
      await writeFile(join(data, file), 'this is no file of a cluster');
      expect(await fault(7, [], { path })).toMatchObject({ result: 'fail', reason: 'corrupt' });
    });

    it('with a damaged manifest, which pgBackRest itself passes over for its copy', async () => {
      const path = await repositories.copy();
      const set = join(path, 'backup', repositories.stanza, await setOf('I', path));
      await writeFile(join(set, 'backup.manifest'), '[backup]\n');
      expect(await fault(7, [], { path })).toMatchObject({ result: 'fail', reason: 'corrupt' });
    });
  });

  async function segmentsOf(path: string): Promise<readonly string[]> {
    const archive = join(path, 'archive', repositories.stanza);
    const names = await readdir(archive, { recursive: true });
    return names
      .filter((name) => /[0-9A-F]{24}-[0-9a-f]{40}/.test(name))
      .toSorted()
      .map((name) => join(archive, name));
  }
});

/** How the server came up, and what lies in the tablespace. */
const SETTINGS = `SELECT (SELECT n FROM elsewhere) AS last, current_setting('archive_mode') AS archive_mode,
  current_setting('restore_command') = 'false' AS restores, current_setting('shared_preload_libraries') AS shared_preload_libraries,
  current_setting('max_connections') AS max_connections, current_setting('hba_file') AS hba_file, current_setting('ssl') AS ssl,
  current_setting('huge_pages') AS huge_pages, pg_is_in_recovery() AS is_in_recovery,
  (SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'outside') AS outside`.replace(
  /\s+/g,
  ' ',
);

interface Backup {
  readonly path?: string;
  readonly more?: string;
  /** What is asked instead of the rows. */
  readonly ask?: string;
  readonly fidelity?: 'off' | 'full';
}

function lacking(): never {
  throw new Error('there are fewer commits');
}
