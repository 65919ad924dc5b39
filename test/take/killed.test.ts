import { spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type BackupRepository, createDirectoryRepository, createS3Repository } from '@muster/backups';
import { backupRecordSchema, RECORD_SUFFIX } from '@muster/core';
import { engineOf } from '@muster/engines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { canServeS3, S3_ENV, S3_KEY, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';
import { never } from '../support/server-bench.ts';

const KILLS = Number(process.env['MUSTER_TEST_TAKE_KILLS'] ?? 2);
/** From the first word of a take to a while after its last. */
const LONGEST_MS = 2_000;
/** Of one kill, and of all that is looked at after it, on a machine that does other things too. */
const LIMIT_MS = 60_000 + KILLS * 30_000;
const PREFIX = 'prod';
const BUCKET = 'back-ups';

/** Where backups are, told without a word of Muster's. */
interface Looking {
  readonly yaml: string;
  readonly repository: BackupRepository;
  names(): Promise<readonly string[]>;
  read(name: string): Promise<Buffer>;
  /** What is there that no list of names shows. */
  unseen(): Promise<number>;
}

describe.runIf(canRunIn('bubblewrap') && canServeS3())('a take that is killed at any moment', () => {
  let server: DumpServer;
  let s3: S3Server;
  let folder: MusterFolder;
  beforeAll(async () => {
    [server, s3, folder] = await Promise.all([dumpServer(15), s3Server({ versions: false }), musterFolder()]);
    await s3.makeBucket(BUCKET);
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      'CREATE TABLE item AS SELECT g AS n, md5(g::text) AS s FROM generate_series(1, 150000) g',
    );
  });
  afterAll(async () => {
    await folder?.remove();
    await s3?.close();
    await server?.close();
  });

  const common = { match: undefined, engine: engineOf('postgres') };
  const inDirectory = async (): Promise<Looking> => {
    const directory = join(folder.folder, 'dumps');
    await mkdir(directory);
    return {
      yaml: 'backup: { type: dump, location: ./dumps }',
      repository: createDirectoryRepository({ ...common, directory, pause: async () => {} }),
      names: () => readdir(directory),
      read: (name) => readFile(join(directory, name)),
      unseen: async () => 0,
    };
  };
  const inS3 = async (): Promise<Looking> => ({
    yaml: `backup: { type: dump, location: "s3://${BUCKET}/${PREFIX}/", s3: ${s3Access(s3.endpoint)} }`,
    repository: createS3Repository({
      ...common,
      bucket: BUCKET,
      prefix: PREFIX,
      connection: { endpoint: s3.endpoint, credentials: async () => S3_KEY },
    }),
    names: async () => {
      const page = await s3.client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      return (page.Contents ?? []).map(({ Key = '' }) => Key.slice(PREFIX.length + 1));
    },
    read: async (name) => {
      const object = { Bucket: BUCKET, Key: `${PREFIX}/${name}` };
      const { Body } = await s3.client.send(new GetObjectCommand(object));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    unseen: async () => {
      const page = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
      return page.Uploads?.length ?? 0;
    },
  });

  it.each([
    ['a directory', inDirectory],
    ['object storage', inS3],
  ])(
    'leaves no backup in %s that lists and is not whole, and the next take clears what it left',
    async (_, at) => {
      const looking = await at();
      await folder.write(
        'muster.yaml',
        `sources:\n  - { slug: shop, kind: postgres, restore_only: true, take: {}, connection: { uri: env:URI }, ${looking.yaml} }\n`,
      );
      const env = { ...S3_ENV, URI: `postgresql://postgres@/shop?host=${server.dir}` };
      const seen = new Set<string>();
      const requireWhole = async (): Promise<void> => {
        const listed = await looking.repository.list(never()).catch(() => []);
        for (const { id, facts } of listed) {
          if (seen.has(id)) continue;
          seen.add(id);
          const bytes = await looking.read(id);
          const record = await looking.read(`${id}${RECORD_SUFFIX}`);
          const { backup } = backupRecordSchema.parse(JSON.parse(record.toString()));
          expect(facts?.format).toBe('custom');
          expect(backup.sha256).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
          requireRestorable(bytes);
        }
      };
      for (let kill = 0; kill < KILLS; kill += 1) {
        const started = folder.start(['backup', 'take'], env);
        await started.said(/looking at the source/);
        await setTimeout(randomInt(LONGEST_MS));
        started.child.kill('SIGKILL');
        await started.ended;
        await requireWhole();
      }
      const last = await folder.run(['backup', 'take', '--json'], env);
      expect(last.exitCode).toBe(0);
      await requireWhole();
      const names = await looking.names();
      const backups = names.filter((name) => name.endsWith('.dump'));
      expect(backups).toContain(JSON.parse(last.stdout).id);
      expect(names.toSorted()).toEqual(
        backups.flatMap((name) => [name, `${name}${RECORD_SUFFIX}`]).toSorted(),
      );
      expect(await looking.unseen()).toBe(0);
    },
    LIMIT_MS,
  );

  /** As pg_restore reads it, to its end. */
  function requireRestorable(bytes: Buffer): void {
    const read = spawnSync('/usr/lib/postgresql/15/bin/pg_restore', ['--file=/dev/null'], { input: bytes });
    expect(read.stderr.toString()).toBe('');
    expect(read.status).toBe(0);
  }
});
