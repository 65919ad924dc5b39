import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { docker } from '../support/docker-cli.ts';
import { IMAGES } from '../support/images.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { hasPgbackrest } from '../support/pgbackrest-repositories.ts';
import { plainDump } from '../support/plain-dump.ts';
import { requirement } from '../support/requirement.ts';

const SCHEMA = `
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0f3a2b');
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, telegram_user_id bigint UNIQUE NOT NULL);
INSERT INTO users (telegram_user_id) SELECT generate_series(1, 500);
CREATE TABLE processed_updates (update_id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
`;

/** Its connection and its passphrase name variables that are set nowhere, and its repository is nowhere. */
const source = (rehearse: string, take: string) => `sources:
  - slug: quiz
    kind: postgres
    database: quiz
    connection: { uri: env:NOBODY_SETS_THIS }
    backup: { type: pgbackrest, stanza: main, repo: { path: never, cipher_pass: env:NOR_THIS }, delta: true }
    take: { data_directory: /nowhere/at/all, ${take} }
    restore_only: true
    rehearse:
      ${rehearse}
      version: SELECT version_num FROM alembic_version
      seed:
        - { table: users, row: { telegram_user_id: 424242 } }
        - { table: processed_updates, row: { update_id: 777 } }
scratch: { kind: docker, images: { postgres: "muster.test/postgres:{major}" } }
`;

const EQUAL = [
  ['version', '0f3a2b', '0f3a2b', true],
  ['public.alembic_version', '1', '1', true],
  ['public.processed_updates', '1', '1', true],
  ['public.users', '501', '501', true],
  ['users #1', '1', '1', true],
  ['processed_updates #2', '1', '1', true],
];

const MAY_RUN = requirement(
  'pgbackrest',
  hasPgbackrest(IMAGES[15]) && hasPgbackrest(IMAGES[17]),
  `no Docker answers that has the images ${IMAGES[15]} and ${IMAGES[17]} with pgBackRest`,
);

describe.runIf(MAY_RUN)('a rehearsal of a source that pgBackRest backs up', () => {
  let folder: MusterFolder | undefined;
  afterEach(async () => {
    await folder?.remove();
    folder = undefined;
  });

  async function rehearsed(files: Readonly<Record<string, string>>) {
    folder = await musterFolder(files);
    const { exitCode, stdout, stderr } = await folder.run(['rehearse', '--json']);
    const report = JSON.parse(stdout || '{}');
    const rows = (report.comparisons ?? []).map(
      (one: { name: string; before?: string; after?: string; equal: boolean }) => [
        one.name,
        one.before,
        one.after,
        one.equal,
      ],
    );
    const label = `label=muster.drill=${String(report.rehearsal_id).replace('reh_', 'drl_')}`;
    const left = [
      ...(await docker('ps', '-aq', '--filter', label)).split('\n').filter(Boolean),
      ...(await docker('volume', 'ls', '-q', '--filter', label)).split('\n').filter(Boolean),
      ...(await readdir(join(folder.folder, 'state', 'spool')).catch(() => [])),
    ];
    return { exitCode, told: [report.message, stderr], report, rows, left };
  }

  it('takes the set that is asked for in a stanza of its own, and restores it after all is destroyed', async () => {
    const { exitCode, told, report, rows, left } = await rehearsed({
      'schema.sql': SCHEMA,
      'muster.yaml': source('migrate: [schema.sql]', 'type: incr'),
    });
    expect({ exitCode, told }).toMatchObject({ exitCode: 0 });
    expect(report).toMatchObject({
      restore_success: true,
      result: 'pass',
      stand_in: { made_from: 'migrations', engine_version: expect.stringMatching(/^17\./) },
      backup: { id: expect.stringMatching(/F_.*I$/), format: 'pgbackrest-incr', encrypted: false },
    });
    expect(rows).toEqual(EQUAL);
    expect(left).toEqual([]);
    expect(await folder?.run(['verify', report.receipt, '--keyring', 'keys'])).toMatchObject({ exitCode: 0 });
  });

  it('begins with a base dump, too, and with a full set', async () => {
    const { exitCode, told, report, rows, left } = await rehearsed({
      'base.sql': plainDump(SCHEMA),
      'muster.yaml': source('base: base.sql', 'type: full'),
    });
    expect({ exitCode, told }).toMatchObject({ exitCode: 0 });
    expect(report).toMatchObject({
      restore_success: true,
      stand_in: { made_from: 'base' },
      backup: { id: expect.stringMatching(/F$/), format: 'pgbackrest-full' },
    });
    expect(rows).toEqual(EQUAL);
    expect(left).toEqual([]);
  });
});
