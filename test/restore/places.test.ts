import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { canServeS3, S3_ENV, S3_KEY, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';

const BUCKET = 'back-ups';
const AWS = {
  AWS_ACCESS_KEY_ID: S3_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: S3_KEY.secretAccessKey,
  AWS_REGION: 'us-east-1',
};

describe.runIf(canServeS3() && canRunIn('bubblewrap'))(
  'a restore from each place that backups are in',
  () => {
    let server: DumpServer;
    let s3: S3Server;
    let muster: MusterFolder;
    let count = 0;
    const path = (name: string): string => join(server.dir, 'backups', name);
    const rows = async (database: string) =>
      Number(await server.sql(database, 'SELECT count(*) FROM orders'));

    /** Into a database that is not there yet. */
    const restore = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      count += 1;
      const database = `into_${count}`;
      const TARGET = `postgresql://postgres@/${database}?host=${encodeURIComponent(server.dir)}`;
      const ran = await muster.run(['restore', '--into', 'env:TARGET', '--yes', '--json', ...args], {
        TARGET,
        ...env,
      });
      const spools = await readdir(join(muster.folder, 'state/spool')).catch(() => []);
      return { ...ran, database, spools };
    };
    const restored = async (...asked: Parameters<typeof restore>) => {
      const { exitCode, stdout, stderr, database } = await restore(...asked);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      const { predicate } = JSON.parse(stdout).statement;
      const phases = predicate.phases.map(({ name }: { name: string }) => name);
      return { id: predicate.backup.id, phases, rows: await rows(database) };
    };

    beforeAll(async () => {
      [server, s3] = await Promise.all([dumpServer(15), s3Server({ versions: false })]);
      await mkdir(path(''));
      await server.sql('postgres', 'CREATE DATABASE shop');
      await server.sql('shop', 'CREATE TABLE orders AS SELECT generate_series(1, 100) AS id');
      await server.dump('shop', 'custom', path('old.dump'));
      await server.sql('shop', 'INSERT INTO orders SELECT generate_series(1, 100)');
      await server.dump('shop', 'directory', path('folder'));
      await server.dump('shop', 'custom', path('new.dump'));
      const past = new Date(Date.now() - 3_600_000);
      await utimes(path('old.dump'), past, past);
      await s3.makeBucket(BUCKET);
      await s3.putAll(BUCKET, 'prod', path(''));
      await s3.putAll(BUCKET, 'prod/newest', path(''));
      await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'prod/newest/old.dump' }));
      await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'prod/newest/folder/toc.dat' }));
      muster = await musterFolder({
        'muster.yaml': `
sources:
  - { slug: here, kind: postgres, restore_only: true, backup: { type: dump, location: ${path('')} } }
  - { slug: far, kind: postgres, restore_only: true, backup: { type: dump, location: "s3://${BUCKET}/prod", s3: ${s3Access(s3.endpoint)} } }
  - { slug: sets, kind: postgres, restore_only: true, backup: { type: pgbackrest, stanza: main, repo: { path: /nowhere } } }
`,
      });
    });
    afterAll(async () => {
      await muster?.remove();
      await s3?.close();
      await server?.close();
    });

    it('takes the backup of a source that --backup names, also one of several files in S3, which it fetches', async () => {
      const [old, folder, none, sets] = await Promise.all([
        restored(['--source', 'here', '--backup', 'old.dump']),
        restored(['--source', 'far', '--backup', 'folder'], S3_ENV),
        restore(['--source', 'here', '--backup', 'gone.dump']),
        restore(['--source', 'sets']),
      ]);
      expect(old).toMatchObject({ id: 'old.dump', rows: 100 });
      const phases = ['fetch', 'prepare', 'restore', 'finish'];
      expect(folder).toEqual({ id: 'folder', phases, rows: 200 });
      expect(await readdir(join(muster.folder, 'state/spool'))).toEqual([]);
      expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('gone.dump')]);
      expect([sets.exitCode, sets.stderr]).toEqual([64, expect.stringContaining('--into-directory')]);
    });

    it('takes a directory dump, or the newest of a place, here and in S3, without a configuration', async () => {
      // By the environment of AWS alone.
      const env = { ...AWS, AWS_ENDPOINT_URL: s3.endpoint };
      const there = `s3://${BUCKET}/prod`;
      const [here, far, newest, newestFar, refused] = await Promise.all([
        restored(['--from', path('folder')]),
        restored(['--from', `${there}/folder`], env),
        restored(['--from', path('')]),
        restored(['--from', `${there}/newest/`], env),
        restore(['--from', `${there}/old.dump`], { ...env, AWS_SECRET_ACCESS_KEY: 'wrong' }),
      ]);
      for (const one of [here, far]) expect(one).toMatchObject({ id: 'folder', rows: 200 });
      for (const one of [newest, newestFar]) expect(one).toMatchObject({ id: 'new.dump', rows: 200 });
      expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('credentials')]);
    });

    it('opens what age encrypted with the key that --decrypt names, and changes nothing with another', async () => {
      const [key, other] = [await generateX25519Identity(), await generateX25519Identity()];
      const encrypter = new Encrypter();
      encrypter.addRecipient(await identityToRecipient(key));
      await writeFile(path('shop.dump.age'), await encrypter.encrypt(await readFile(path('new.dump'))));
      await muster.write('key', `${key}\n`);
      const from = ['--from', path('shop.dump.age'), '--decrypt'];
      expect((await restored([...from, 'file:key'])).rows).toBe(200);
      const refused = await restore([...from, 'env:KEY'], { KEY: other });
      expect([refused.exitCode, refused.stderr]).toEqual([
        2,
        expect.stringContaining('not for the identities'),
      ]);
      expect(refused.stdout + refused.stderr).not.toContain(other);
      const there = `SELECT count(*) FROM pg_database WHERE datname LIKE '${refused.database}%'`;
      expect(await server.sql('postgres', there)).toBe('0\n');
      const without = await restore(['--from', path('shop.dump.age')]);
      expect([without.exitCode, without.stderr]).toEqual([
        2,
        expect.stringContaining('--decrypt env:NAME or file:PATH'),
      ]);
      const bare = await restore([...from, 'key']);
      expect([bare.exitCode, bare.stderr]).toEqual([64, expect.stringContaining('--decrypt takes env:NAME')]);
    });
  },
);
