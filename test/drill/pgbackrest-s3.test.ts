import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  type Backup,
  createPgbackrestRepository,
  type FetchOptions,
  type PgbackrestOptions,
} from '@muster/backups';
import { postgresEngine } from '@muster/engines';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Drilled, type DrillProject, drillProject } from '../support/drill-project.ts';
import { eventually } from '../support/eventually.ts';
import { IMAGES } from '../support/images.ts';
import {
  hasPgbackrest,
  pgbackrestRepositories,
  type Repositories,
  randomPoint,
} from '../support/pgbackrest-repositories.ts';
import { requirement } from '../support/requirement.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_ENV, S3_KEY, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';
import { serverBench } from '../support/server-bench.ts';

const MAY_RUN =
  canServeS3() &&
  requirement(
    'pgbackrest',
    hasPgbackrest(IMAGES[17]),
    `no Docker answers that has the image ${IMAGES[17]} with pgBackRest`,
  );
const BUCKET = 'back-ups';

describe.runIf(MAY_RUN)('a pgBackRest repository in S3', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let repositories: Repositories;
  let folder: string;
  let project: DrillProject | undefined;
  beforeAll(async () => {
    [server, repositories] = await Promise.all([
      s3Server({ versions: false }),
      pgbackrestRepositories(IMAGES[17]),
    ]);
    await server.makeBucket(BUCKET);
    await Promise.all([
      server.putAll(BUCKET, 'plain', repositories.plain),
      server.putAll(BUCKET, 'prod/encrypted', repositories.encrypted),
    ]);
  }, 120_000);
  afterAll(async () => {
    await repositories?.remove();
    await server?.close();
  });
  beforeEach(async () => {
    proxy = await s3Proxy(server.endpoint);
    folder = await mkdtemp(join(tmpdir(), 'muster-pgbackrest-s3-'));
  });
  afterEach(async () => {
    const left = await project?.leftovers();
    await project?.remove();
    project = undefined;
    await proxy.close();
    await rm(folder, { recursive: true });
    expect(left ?? []).toEqual([]);
  });

  const put = (key: string, Body: Uint8Array | string) =>
    server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body }));
  const keysBelow = async (prefix: string): Promise<readonly string[]> => {
    const entries = await readdir(join(server.directory, BUCKET, prefix), {
      recursive: true,
      withFileTypes: true,
    });
    const root = join(server.directory, BUCKET);
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
      .toSorted();
  };

  const given = async (rows: number, backup: string): Promise<DrillProject> => {
    project = await drillProject({
      checks: { rows: ['SELECT max(id) AS last, count(*) AS n FROM t', `last == ${rows}`] },
      source: [`backup: { type: pgbackrest, stanza: ${repositories.stanza}, ${backup} }`],
      isolation: 'docker',
    });
    return project;
  };
  const inS3 = (prefix: string): string =>
    `repo: { path: "s3://${BUCKET}/${prefix}", s3: ${s3Access(proxy.endpoint)}${prefix === 'plain' ? '' : ', cipher_pass: env:REPO_PASS'} }`;
  const expectNoSecrets = ({ statement, stdout, stderr }: Drilled): void => {
    const said = JSON.stringify(statement) + stdout + stderr;
    for (const secret of [...Object.values(S3_ENV), repositories.passphrase])
      expect(said).not.toContain(secret);
  };
  const ENV = () => ({ ...S3_ENV, REPO_PASS: repositories.passphrase });

  it('its latest is a set of many files and all WAL after it, past broken connections', async () => {
    const { drill } = await given(7, inS3('plain'));
    // The list, backup.info, and then the set.
    proxy.fate(
      'GET',
      'pass',
      { cut: 100 },
      'pass',
      'pass',
      { cut: 7 },
      'reset',
      { cut: 9 },
      { status: 500 },
      'pass',
    );
    const drilled = await drill([], ENV());
    expect(drilled).toMatchObject({
      exitCode: 0,
      predicate: {
        result: 'pass',
        backup: { format: 'pgbackrest-incr', created_at_from: 'header' },
        recovery: { reached: true, last_commit_before: repositories.commits.at(-1)?.at },
        checks: [{ summary: { last: 7, n: 7 } }],
      },
    });
    const { id, location } = drilled.predicate?.backup ?? {};
    expect(location).toBe(`s3://${BUCKET}/plain/backup/${repositories.stanza}/${id}`);
    expect(drilled.predicate?.phases.map(({ name }) => name)).toContain('fetch');
    expectNoSecrets(drilled);
  });

  it('a point in time is drilled by its own configuration, after one that was killed while it fetched', async () => {
    const { at, before, after } = randomPoint(repositories.commits.slice(3));
    const own = { host: proxy.endpoint, path: '/prod/encrypted' };
    const { start, folder: here } = await given(before.id, 'config: pgbackrest.conf');
    await writeFile(join(here, 'pgbackrest.conf'), ownConfig(own, repositories.passphrase));
    const spooled = async () => {
      const spool = join(here, 'state', 'spool');
      const found = await readdir(spool, { recursive: true }).catch(() => []);
      return found.filter((path) => path.includes('repository/'));
    };
    // The list, backup.info, the list of manifests, and then they.
    proxy.fate('GET', 'pass', 'pass', 'pass', 'halt');
    const { child, ended } = start(['--at', at]);
    await eventually('something is half fetched', async () => (await spooled()).length > 0);
    child.kill('SIGKILL');
    await ended;
    expect(await spooled()).not.toEqual([]);
    proxy.fate('GET', 'pass');
    const drilled = await start(['--at', at]).ended;
    expect(drilled).toMatchObject({
      exitCode: 0,
      predicate: {
        result: 'pass',
        recovery: { last_commit_before: before.at, first_commit_after: after.at, proof: 'both_sides' },
        checks: [{ summary: { last: before.id, n: before.id } }],
      },
    });
    expect(await spooled()).toEqual([]);
    expectNoSecrets(drilled);
  });

  it('a WAL segment that is missing is named', async () => {
    await server.putAll(BUCKET, 'gap', repositories.encrypted);
    const segments = (await keysBelow('gap/archive')).filter((key) => /[0-9A-F]{24}-/.test(key));
    const lost = segments.at(-2) ?? '';
    await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: lost }));
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const segment of segments.filter((one) => one !== lost))
      await utimes(join(server.directory, BUCKET, segment), hourAgo, hourAgo);
    const { drill } = await given(7, inS3('gap'));
    const { predicate, stdout } = await drill([], ENV());
    expect(predicate).toMatchObject({ result: 'fail', reason: 'wal_gap' });
    expect(stdout).toContain(/([0-9A-F]{24})-/.exec(lost)?.[1]);
  });

  it('a file of the set that is damaged is found by its checksum', async () => {
    await server.putAll(BUCKET, 'damaged', repositories.encrypted);
    const bundles = (await keysBelow('damaged/backup')).filter((key) => /F\/bundle\//.test(key));
    for (const key of bundles) {
      const bytes = await readFile(join(server.directory, BUCKET, key));
      await put(key, bytes.fill(7, Math.floor(bytes.length / 2)));
    }
    const { drill } = await given(7, inS3('damaged'));
    const { predicate } = await drill([], ENV());
    expect(predicate).toMatchObject({
      result: 'fail',
      reason: 'corrupt',
    });
  });

  describe('as it is listed and fetched', () => {
    const { signal } = new AbortController();
    const QUICK = {
      timing: { attempt: 5_000, backoff: [10, 20] },
      stall: 2_000,
      again: [10, 20, 40],
    } as const;
    const FETCHING: FetchOptions = {
      mostBytes: 1e9,
      recoverTo: { kind: 'latest' },
      onBytes: () => undefined,
    };
    const at = (
      prefix: string,
      over: Partial<PgbackrestOptions & { secret: string; bucket: string; pass: string }> = {},
    ) =>
      createPgbackrestRepository({
        stanza: repositories.stanza,
        location: `s3://${BUCKET}/${prefix}`,
        bounds: QUICK,
        place: async () => ({
          type: 's3',
          bucket: over.bucket ?? BUCKET,
          prefix,
          connection: {
            endpoint: proxy.endpoint,
            credentials: async () => ({ ...S3_KEY, secretAccessKey: over.secret ?? S3_KEY.secretAccessKey }),
          },
          passphrase: over.pass ?? repositories.passphrase,
        }),
        ...over,
      });
    const fetched = async ({ artefact }: Backup, options: Partial<FetchOptions> = {}) => {
      if (artefact.form !== 'remote') throw new Error('it is here');
      const { path } = await artefact.fetch(folder, { ...FETCHING, ...options }, signal);
      return path;
    };
    const newestIn = async (prefix: string): Promise<Backup> => {
      const [newest] = await at(prefix).list(signal);
      if (newest === undefined) throw new Error('there is none');
      return newest;
    };
    const filesOf = async (path: string): Promise<readonly string[]> =>
      (await readdir(path, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => relative(path, join(parentPath, name)));

    it.each([
      ['a secret that is wrong', 'prod/encrypted', { secret: 'another' }, 'credentials_refused'],
      ['no such bucket', 'prod/encrypted', { bucket: 'no-such-bucket' }, 'backup_unreadable'],
      ['a prefix that is absent', 'prod/nothing', {}, 'no_backup'],
      ['a stanza that is absent', 'prod/encrypted', { stanza: 'other' }, 'no_backup'],
      ['another passphrase', 'prod/encrypted', { pass: 'another' }, 'decrypt_failed'],
    ])('tells %s', async (_, prefix, over, code) => {
      await expect(at(prefix, over).list(signal)).rejects.toMatchObject({ code });
    });

    it('of a set alone no more WAL comes than makes it whole', async () => {
      const path = await fetched(await newestIn('prod/encrypted'), { recoverTo: { kind: 'immediate' } });
      const files = await filesOf(path);
      const segments = files.flatMap((file) => /[0-9A-F]{24}(?=-)/.exec(file)?.[0] ?? []);
      const { facts } = await newestIn('prod/encrypted');
      const { start, stop } = (facts as unknown as PgbackrestWal).pgbackrest.wal;
      expect(segments.toSorted().at(0)).toBe(start);
      expect(segments.toSorted().at(-1)).toBe(stop);
      expect(files).toContain(`archive/${repositories.stanza}/archive.info`);
    });

    it('is carried into a scratch that shares no directory with the worker', async () => {
      const { artefact, facts } = await newestIn('prod/encrypted');
      if (artefact.form !== 'remote' || facts === undefined) throw new Error('it is here');
      const recoverTo = { kind: 'immediate' } as const;
      const set = await artefact.fetch(folder, { ...FETCHING, recoverTo }, signal);
      const bench = await serverBench(postgresEngine, IMAGES[17], 'docker 17 by the bridge');
      try {
        await bench.within(facts, async ({ server: restored, onOutput }) => {
          const how = { facts, recoverTo, fallbackDatabase: 'shop', jobs: 1, onProgress: () => undefined };
          const { databases } = await restored.restore(set, { ...how, onOutput }, signal);
          expect(databases).toContain('shop');
        });
      } finally {
        await bench.close();
      }
    });

    it('one that has no room is not fetched', async () => {
      const newest = await newestIn('prod/encrypted');
      await expect(fetched(newest, { mostBytes: 100_000 })).rejects.toMatchObject({
        code: 'scratch_disk_full',
      });
      const files = await filesOf(folder);
      expect(files.filter((file) => !file.includes('backup.manifest'))).toEqual([]);
    });

    it('one whose bytes arrive as others is a checksum_mismatch', async () => {
      const newest = await newestIn('prod/encrypted');
      proxy.fate('GET', 'pass', { flip: 100 });
      await expect(fetched(newest)).rejects.toMatchObject({ code: 'checksum_mismatch' });
    });

    it('one whose manifests are damaged is corrupt', async () => {
      await server.putAll(BUCKET, 'no-manifest', repositories.encrypted);
      const newest = await newestIn('no-manifest');
      const directory = `no-manifest/backup/${repositories.stanza}/${newest.id}`;
      for (const name of ['backup.manifest', 'backup.manifest.copy'])
        await put(`${directory}/${name}`, '[backup]\n');
      await expect(fetched(newest)).rejects.toMatchObject({ code: 'corrupt' });
    });

    it('one that is removed while it is fetched has changed', async () => {
      await server.putAll(BUCKET, 'expired', repositories.encrypted);
      const newest = await newestIn('expired');
      for (const key of await keysBelow('expired/backup')) {
        if (key.includes(newest.id) || key.includes('backup.info'))
          await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
      }
      await expect(fetched(newest)).rejects.toMatchObject({ code: 'backup_changed' });
    });
  });
});

interface PgbackrestWal {
  readonly pgbackrest: { readonly wal: { readonly start: string; readonly stop: string } };
}

const ownConfig = ({ host, path }: { host: string; path: string }, passphrase: string): string =>
  [
    '[global]',
    'repo1-type=s3',
    `repo1-path=${path}`,
    `repo1-s3-bucket=${BUCKET}`,
    `repo1-s3-endpoint=${host}`,
    'repo1-s3-region=us-east-1',
    'repo1-s3-uri-style=path',
    `repo1-s3-key=${S3_KEY.accessKeyId}`,
    `repo1-s3-key-secret=${S3_KEY.secretAccessKey}`,
    'repo1-cipher-type=aes-256-cbc',
    `repo1-cipher-pass=${passphrase}`,
    '',
  ].join('\n');
