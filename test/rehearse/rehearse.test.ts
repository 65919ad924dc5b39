import { existsSync } from 'node:fs';
import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { REHEARSAL_PHASES } from '@muster/core';
import { afterAll, describe, expect, it } from 'vitest';
import { docker } from '../support/docker-cli.ts';
import { cellDirectories } from '../support/leftovers.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { canRunIn, canRunMongo } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const SCHEMA = `
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0f3a2b');
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, telegram_user_id bigint UNIQUE NOT NULL);
INSERT INTO users (telegram_user_id) SELECT generate_series(1, 500);
CREATE TABLE processed_updates (update_id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
`;
const VERSION = 'version: SELECT version_num FROM alembic_version';

/** One source whose `connection` names a variable that is set nowhere. */
const source = (
  rehearse: readonly string[],
  more: readonly string[] = [],
  isolation = 'bubblewrap',
) => `sources:
  - slug: quiz
    kind: postgres
    database: quiz
    connection: { uri: env:NOBODY_SETS_THIS }
    backup: { type: dump, location: never, decrypt: { age: env:PHRASE } }
    restore_only: true
    fidelity: off
    rehearse:
      major: 15
${rehearse.map((line) => `      ${line}`).join('\n')}
${(more.length === 0 ? ['take: {}'] : more).map((line) => `    ${line}`).join('\n')}
scratch: { kind: ${isolation}, images: { postgres: "muster.test/postgres:{major}", mongodb: "muster.test/mongo:{major}" } }
`;

interface Compared {
  readonly what: string;
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
  readonly equal: boolean;
}

const folders: MusterFolder[] = [];
// Not after each: some run side by side.
afterAll(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});
async function project(files: Readonly<Record<string, string>>): Promise<MusterFolder> {
  const folder = await musterFolder(files);
  folders.push(folder);
  return folder;
}

async function rehearsed(folder: MusterFolder) {
  const { exitCode, stdout, stderr } = await folder.run(['rehearse', '--json'], { PHRASE: 'one two three' });
  const report = stdout === '' ? {} : JSON.parse(stdout);
  const rows = (report.comparisons ?? []).map((one: Compared) => [
    one.name,
    one.before,
    one.after,
    one.equal,
  ]);
  return { exitCode, stderr, report, rows };
}

/** Nothing that it launched, took or fetched. */
async function leftOf(folder: MusterFolder, rehearsalId: string): Promise<readonly string[]> {
  const label = `label=muster.drill=${rehearsalId.replace('reh_', 'drl_')}`;
  const containers = canRunIn('docker 15') ? await docker('ps', '-aq', '--filter', label) : '';
  const spooled = await readdir(join(folder.folder, 'state', 'spool')).catch(() => []);
  const cells = await cellDirectories([rehearsalId.replace('reh_', 'drl_')]);
  return [...containers.split('\n').filter(Boolean), ...spooled, ...cells];
}

describe.runIf(canRunIn('docker 15'))('a rehearsal of production, in Docker', () => {
  it('seeds, backs up, destroys, restores and compares, and never resolves the connection of its source', async () => {
    const folder = await project({
      'schema.sql': SCHEMA,
      'more.sql': `
        CREATE SCHEMA "Odd ""one""";
        CREATE TYPE place AS (street text, n int);
        CREATE TABLE "Odd ""one"""."T t" (a int GENERATED ALWAYS AS IDENTITY, p place, tags text[], doc jsonb, twice int GENERATED ALWAYS AS (n * 2) STORED, n int);`,
      'muster.yaml': source(
        [
          'migrate: [schema.sql, more.sql]',
          VERSION,
          'seed:',
          '  - { table: users, row: { telegram_user_id: 424242, id: 9000 } }',
          '  - { table: processed_updates, row: { update_id: 777 } }',
          `  - { table: 'Odd "one".T t', row: { p: '("a, b",2)', tags: '{x,"y z"}', doc: '{"k": [1.50]}', n: 21 } }`,
        ],
        ['take: { encrypt: { age: env:PHRASE } }'],
        'docker',
        // Of that version this machine has no pg_dump.
      ).replace('      major: 15\n', ''),
    });
    const { exitCode, stderr, report, rows } = await rehearsed(folder);
    expect({ exitCode, message: report.message, stderr }).toMatchObject({ exitCode: 0, message: undefined });
    expect(report).toMatchObject({
      restore_success: true,
      result: 'pass',
      source: 'quiz',
      stand_in: { made_from: 'migrations' },
      backup: { encrypted: true },
    });
    expect(Object.keys(report.durations_ms)).toEqual([...REHEARSAL_PHASES, 'total']);
    expect(rows).toEqual([
      ['version', '0f3a2b', '0f3a2b', true],
      ['"Odd ""one"""."T t"', '1', '1', true],
      ['public.alembic_version', '1', '1', true],
      ['public.processed_updates', '1', '1', true],
      ['public.users', '501', '501', true],
      ['users #1', '1', '1', true],
      ['processed_updates #2', '1', '1', true],
      ['Odd "one".T t #3', '1', '1', true],
    ]);
    expect(existsSync(join(folder.folder, 'never'))).toBe(false);
    expect(await leftOf(folder, report.rehearsal_id)).toEqual([]);
    const verify = (...more: readonly string[]) =>
      folder.run(['verify', report.receipt, '--keyring', 'keys', ...more]);
    expect(await verify()).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('a rehearsal and no drill'),
    });
    expect(await verify('--require-pass')).toMatchObject({ exitCode: 6 });
    expect(existsSync(join(folder.folder, 'evidence', 'receipts'))).toBe(false);
  });

  it('that is interrupted leaves nothing, and says so in its report', async () => {
    const folder = await project({
      'schema.sql': SCHEMA,
      'muster.yaml': source(['migrate: [schema.sql]'], [], 'docker'),
    });
    const { child, said, ended } = folder.start(['rehearse', '--json', '--report', 'report.json']);
    await said(/taking a backup/);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 2 });
    const report = JSON.parse(await folder.read('report.json'));
    expect(report).toMatchObject({ restore_success: false, result: 'error', reason: 'cancelled' });
    expect(await leftOf(folder, report.rehearsal_id)).toEqual([]);
  });
});

describe.runIf(canRunIn('bubblewrap 15'))('a rehearsal that goes wrong', () => {
  const disaster = async (script: string, lines: readonly string[], more?: readonly string[]) =>
    await project({
      'schema.sql': SCHEMA,
      'next.sql': script,
      'muster.yaml': source(['migrate: [schema.sql, next.sql]', ...lines], more),
    });

  it.concurrent.each([
    {
      what: 'a migration that fails, by its line and SQLSTATE',
      script: '\nCREATE TABLE users ();',
      lines: [],
      says: /next\.sql failed \(line 2, SQLSTATE 42P07\)/,
    },
    {
      what: 'a row that is refused',
      script: '',
      lines: ['seed: [{ table: users, row: { telegram_user_id: 7 } }]'],
      says: /table users \(rehearse\.seed\) was refused \(SQLSTATE 23505\)/,
    },
    {
      what: 'a row for a table that is not there',
      script: '',
      lines: ['seed: [{ table: user, row: { id: 7 } }]'],
      says: /There is no table user for a row of rehearse\.seed/,
    },
    {
      what: 'a version of two rows',
      script: "INSERT INTO alembic_version VALUES ('another')",
      lines: [VERSION],
      says: /rehearse\.version gave several rows before the backup/,
    },
  ])('tells $what, and is an error', async ({ script, lines, says }) => {
    const { exitCode, report } = await rehearsed(await disaster(script, lines));
    expect({ exitCode, reason: report.reason }).toEqual({ exitCode: 2, reason: 'rehearsal_unready' });
    expect(report).toMatchObject({ restore_success: false, result: 'error' });
    expect(report.message).toMatch(says);
  });

  it.concurrent.each([
    ['is not there', 'migrate: [absent.sql]', /absent\.sql \(rehearse\.migrate\) cannot be read \(ENOENT\)/],
    ['is not there', 'base: absent.dump', /absent\.dump \(rehearse\.base\) cannot be read \(ENOENT\)/],
    ['cannot be read', 'base: loop.dump', /loop\.dump \(rehearse\.base\) cannot be read \(ELOOP\)/],
    [
      'is no dump',
      'base: muster.yaml',
      /muster\.yaml \(rehearse\.base\) could not be restored \(not_a_dump\)/,
    ],
  ])('tells what to begin with that %s: %s', async (_, line, says) => {
    const folder = await project({ 'muster.yaml': source([line]) });
    await symlink('loop.dump', join(folder.folder, 'loop.dump'));
    const { exitCode, report } = await rehearsed(folder);
    expect({ exitCode, reason: report.reason }).toEqual({ exitCode: 2, reason: 'rehearsal_unready' });
    expect(report.message).toMatch(says);
  });

  /** Sleeps where something is put in, or where the version is asked of what came back. */
  const SLEEPS = {
    seed: `CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); END';
      CREATE TRIGGER sleep BEFORE INSERT ON users EXECUTE FUNCTION sleep();`,
    compare: `CREATE TABLE gone (); ALTER EXTENSION plpgsql ADD TABLE gone;
      CREATE VIEW version AS SELECT CASE WHEN to_regclass('gone') IS NULL THEN pg_sleep(600)::text ELSE 'v1' END;`,
  };
  const SEED = 'seed: [{ table: users, row: { telegram_user_id: 424242 } }]';

  it.concurrent('ends a phase that reaches its limit, and leaves nothing', async () => {
    const folder = await disaster(SLEEPS.seed, [SEED], ['take: {}', 'limits: { check: 1s }']);
    const { exitCode, report } = await rehearsed(folder);
    expect({ exitCode, reason: report.reason }).toEqual({ exitCode: 2, reason: 'time_limit' });
    expect(report.message).toMatch(/"seed" reached its time limit of 1 s: raise limits\.check/);
    expect(await leftOf(folder, report.rehearsal_id)).toEqual([]);
  });

  it.concurrent.each([
    ['seed', /seeding rows/, SEED],
    ['compare', /comparing/, 'version: SELECT * FROM version'],
  ] as const)('leaves nothing when it is interrupted in its phase %s', async (phase, begun, line) => {
    const folder = await disaster(SLEEPS[phase], [line]);
    const { child, said, ended } = folder.start(['rehearse', '--json', '--report', 'report.json']);
    await said(begun);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 2 });
    const report = JSON.parse(await folder.read('report.json'));
    expect(report).toMatchObject({ restore_success: false, result: 'error', reason: 'cancelled' });
    expect(report.message).toContain(`"${phase}"`);
    expect(await leftOf(folder, report.rehearsal_id)).toEqual([]);
  });

  it('names what did not come back of a base dump, and is a fail', async () => {
    const folder = await project({
      // Nothing that belongs to an extension is dumped.
      'base.sql': plainDump(`${SCHEMA} ALTER EXTENSION plpgsql ADD TABLE users;`),
      'muster.yaml': source([
        'base: base.sql',
        VERSION,
        'seed: [{ table: users, row: { telegram_user_id: 424242 } }]',
      ]).replace('      major: 15\n', ''),
    });
    const { exitCode, report, rows } = await rehearsed(folder);
    expect({ exitCode, reason: report.reason }).toEqual({ exitCode: 1, reason: 'fidelity_different' });
    expect(report).toMatchObject({
      restore_success: false,
      result: 'fail',
      stand_in: { made_from: 'base' },
    });
    expect(rows).toEqual([
      ['version', '0f3a2b', '0f3a2b', true],
      ['public.alembic_version', '1', '1', true],
      ['public.processed_updates', '0', '0', true],
      ['public.users', '501', undefined, false],
      ['users #1', '1', '0', false],
    ]);
    expect(report.message).toContain('public.users');
  });
});

describe.runIf(canRunMongo('docker'))('a rehearsal of MongoDB', () => {
  const mongo = (lines: readonly string[]) =>
    source(lines, ['take: {}', 'image: muster.test/mongo:8'], 'docker')
      .replace('kind: postgres\n', 'kind: mongodb\n')
      .replace('    database: quiz\n', '')
      .replace('      major: 15\n', '');

  it('begins with a dump, and its documents come back', async () => {
    const folder = await project({
      'muster.yaml': mongo([
        'base: base',
        'seed: [{ table: shop.users, row: { _id: drill, n: 424242, on: true } }]',
      ]),
    });
    const documents = Array.from({ length: 40 }, (_, n) => ({ _id: `u${n}`, n }));
    await writeMongodump(join(folder.folder, 'base'), 'shop', { users: { documents } });
    const { exitCode, report, rows, stderr } = await rehearsed(folder);
    expect({ exitCode, message: report.message, stderr }).toMatchObject({ exitCode: 0, message: undefined });
    expect(rows).toEqual([
      ['shop.users', '41', '41', true],
      ['shop.users #1', '1', '1', true],
    ]);
    expect(report.stand_in).toMatchObject({ made_from: 'base', substitute: true });
  });

  it('may begin with nothing, whose collections its seed makes', async () => {
    const folder = await project({
      'muster.yaml': mongo([
        'seed: [{ table: shop.users, row: { name: a } }, { table: audit.log, row: { _id: 777, at: null } }]',
      ]),
    });
    const { exitCode, report, rows, stderr } = await rehearsed(folder);
    expect({ exitCode, message: report.message, stderr }).toMatchObject({ exitCode: 0, message: undefined });
    expect(rows).toEqual([
      ['audit.log', '1', '1', true],
      ['shop.users', '1', '1', true],
      ['shop.users #1', '1', '1', true],
      ['audit.log #2', '1', '1', true],
    ]);
    expect(report.stand_in).toMatchObject({ made_from: 'seed' });
  });
});
