import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failed, projectOfEachTest, verdictOf } from '../support/drill-project.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { canRunIn, canRunMongo, describeIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';
import { canServeS3, S3_ENV, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';
import type { TestChecks } from '../support/source-text.ts';

const BUCKET = 'models';
const STOP = '/usr/share/postgresql/15/tsearch_data/shop.stop';

const WORDS_TEXT = 'der\ndie\ndas\n';

/** It restores only where its stop words are; what it finds and may do is in the table `seen`. */
const DUMP = plainDump(`
CREATE TEXT SEARCH DICTIONARY shop_words (TEMPLATE = simple, STOPWORDS = 'shop');
CREATE TABLE seen (what text, state text);
DO $$
DECLARE path text;
BEGIN
  FOREACH path IN ARRAY ARRAY['/opt/models/new', '/opt/models/deep/b.bin', '/srv/cache/a.json', '${STOP}'] LOOP
    BEGIN
      EXECUTE format('COPY (SELECT 1) TO %L', path);
      INSERT INTO seen VALUES (path, 'written');
    EXCEPTION WHEN OTHERS THEN
      INSERT INTO seen VALUES (path, SQLSTATE);
    END;
  END LOOP;
END $$;
`);
const CHECKS: TestChecks = {
  stopped: ["SELECT (ts_lexize('shop_words', 'das') = '{}')::int AS ok", 'ok == 1'],
  kept: ["SELECT (ts_lexize('shop_words', 'Rad') = '{rad}')::int AS ok", 'ok == 1'],
  model: ["SELECT pg_read_file('/opt/models/current') AS text", "text == 'model b'"],
  cache: ["SELECT pg_read_file('/srv/cache/deep/b.json') AS text", "text == 'json b'"],
  read_only: ["SELECT count(*) AS n FROM seen WHERE state <> 'written'", 'n == 4'],
};

const digestBy = (directory: string): string =>
  `sha256:${execFileSync(
    'bash',
    [...['-c', "find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum"]],
    { cwd: directory, encoding: 'utf8' },
  ).slice(0, 64)}`;

describe.runIf(canServeS3() && canRunIn('docker'))('companions', () => {
  const project = projectOfEachTest();
  let server: S3Server;
  beforeAll(async () => {
    server = await s3Server({ versions: false });
    await server.makeBucket(BUCKET);
    for (const [Key, Body] of [
      ['cache/', ''],
      ['cache/a.json', 'json a'],
      ['cache/deep/b.json', 'json b'],
    ] as const)
      await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  });
  afterAll(() => server?.close());

  const inS3 = (to: string, key: string): string =>
    `{ from: "s3://${BUCKET}/${key}", to: ${to}, s3: ${s3Access(server.endpoint)} }`;

  const given = async (
    isolation: 'docker' | 'bubblewrap',
    companions: readonly string[],
    checks: TestChecks = CHECKS,
  ) => {
    const made = await project({
      isolation,
      checks,
      source: companions.length === 0 ? [] : [`companions: [${companions.join(', ')}]`],
    });
    await writeFile(join(made.dumps, 'shop.sql'), DUMP);
    const models = join(made.folder, 'models');
    await mkdir(join(models, 'deep'), { recursive: true });
    await writeFile(join(models, 'a.bin'), 'model a');
    await writeFile(join(models, 'deep/b.bin'), 'model b');
    await symlink('deep/b.bin', join(models, 'current'));
    await writeFile(join(made.folder, 'words.stop'), WORDS_TEXT);
    return { ...made, models };
  };
  const MODELS = '{ from: models, to: /opt/models }';
  const WORDS = `{ from: words.stop, to: ${STOP} }`;

  describeIn(['docker', 'bubblewrap'], 'in %s', (isolation) => {
    it('are in place before the server starts, read-only, and their digests in the receipt', async () => {
      const { drill, models, folder, muster } = await given(isolation, [
        MODELS,
        WORDS,
        inS3('/srv/cache', 'cache/'),
      ]);
      // What its owner alone may read is copied, the rest shown where it lies.
      if (isolation === 'docker') await chmod(join(models, 'deep'), 0o700);
      const drilled = await drill([], S3_ENV);
      expect(drilled.stderr).not.toMatch(/PLANTED-/);
      expect({ ...verdictOf(drilled), companions: drilled.predicate?.companions }).toEqual({
        exit: 0,
        result: 'pass',
        reason: undefined,
        ran: 5,
        companions: [
          {
            to: '/opt/models',
            location: `file://${models}`,
            sha256: digestBy(models),
            size_bytes: 21,
            files: 3,
          },
          {
            to: STOP,
            location: `file://${folder}/words.stop`,
            sha256: `sha256:${hash('sha256', WORDS_TEXT)}`,
            size_bytes: 12,
            files: 1,
          },
          {
            to: '/srv/cache',
            location: `s3://${BUCKET}/cache`,
            sha256: digestBy(join(server.directory, BUCKET, 'cache')),
            size_bytes: 12,
            files: 2,
          },
        ],
      });
      const shown = await muster(['drill', 'show', drilled.predicate?.drill_id ?? '']);
      expect(shown.stdout).toContain(`/opt/models · 21 B · 3 files · file://${models}`);
    });
  });

  describe.runIf(canRunIn('bubblewrap'))('of a dump', () => {
    it('are what the dump needs: without them it does not restore', async () => {
      const { drill } = await given('bubblewrap', []);
      expect(verdictOf(await drill())).toEqual(failed('restore_failed'));
    });

    it('that are absent are a fail of their own, and nothing is launched', async () => {
      const { drill } = await given('bubblewrap', [WORDS, '{ from: none, to: /opt/models }']);
      const drilled = await drill();
      expect(verdictOf(drilled)).toEqual(failed('companion_missing'));
      expect(drilled.predicate?.phases.map(({ name }) => name)).toEqual(['locate', 'fetch']);
      expect(drilled.predicate?.companions).toMatchObject([{ to: STOP, files: 1 }, { to: '/opt/models' }]);
      expect(drilled.predicate?.companions?.[1]).not.toHaveProperty('sha256');
      expect(drilled.stdout + drilled.stderr).toContain('is not there, or there is no file in it');
    });
  });

  it.runIf(canRunMongo('docker'))('are shown to MongoDB too', async () => {
    const made = await project({
      isolation: 'docker',
      kind: 'mongodb',
      checks: {},
      source: ['restore_only: true', 'companions: [{ from: ca.pem, to: /opt/tls/ca.pem }]'],
    });
    await writeMongodump(join(made.dumps, 'shop'), 'shop', { things: { documents: [{ _id: 1 }] } });
    await writeFile(join(made.folder, 'ca.pem'), 'abc');
    const drilled = await made.drill();
    expect(verdictOf(drilled)).toMatchObject({ result: 'pass' });
    expect(drilled.predicate?.companions).toMatchObject([{ to: '/opt/tls/ca.pem', files: 1, size_bytes: 3 }]);
  });
});
