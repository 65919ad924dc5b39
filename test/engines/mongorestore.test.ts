import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mongodbEngine } from '@muster/engines';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  archiveOf,
  documentOf,
  someDocuments,
} from '../../packages/engines/src/mongodb/format/dump-writer.fixture.ts';
import { docker } from '../support/docker-cli.ts';
import { imageWith } from '../support/image-with.ts';
import { IMAGES } from '../support/images.ts';
import { restoredMongo } from '../support/mongo-bench.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { canRunMongo } from '../support/needs.ts';
import { type ServerBench, serverBench } from '../support/server-bench.ts';

/** Says what it was asked and how much it was given, and cannot restore what says so. */
const MONGORESTORE = `#!/bin/sh
[ "$1" = --version ] && { echo 'mongorestore version: 100.10.0'; exit 0; }
printf 'asked %s\\n' "$@" >&2
failed=0
case "$*" in *--archive*)
  cat > "$HOME/given"
  echo "given $(wc -c < "$HOME/given") bytes" >&2
  failed=$(grep -c 'NOT TO BE RESTORED' "$HOME/given") ;;
esac
echo "2026-11-21T00:00:00Z 3 document(s) restored successfully. $failed document(s) failed to restore." >&2
`;
const IMAGE = `${IMAGES.mongo}-mongorestore`;
const LEFT_OUT = ['admin.system.*', 'config.*', 'local.*'].map((name) => `--nsExclude=${name}`);

/** What tests of the real one cannot show where there is none: how it is asked, and what is made of its answer. */
describe.runIf(canRunMongo('docker'))('a mongorestore beside the server', () => {
  let bench: ServerBench;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'muster-mongorestore-'));
    await imageWith(IMAGES.mongo, IMAGE, { '/usr/bin/mongorestore': MONGORESTORE });
    bench = await serverBench(mongodbEngine, IMAGE, 'docker mongo');
  });
  afterAll(async () => {
    await bench?.close();
    await docker('image', 'rm', IMAGE);
    await rm(dir, { recursive: true, force: true });
  });
  const asked = (output: string): readonly string[] =>
    [...output.matchAll(/^asked (.*)$/gm)].map(([, argument = '']) => argument);
  const people = {
    documents: [{ _id: 1 }],
    indexes: [{ v: 2, key: { name: 1 }, name: 'name_1', sparse: true }],
  };
  const archive = async (text: string): Promise<Buffer> => {
    const documents = [...someDocuments(20), documentOf({ _id: 'last', text })];
    const bytes = archiveOf([{ database: 'shop', name: 'people', documents }]);
    await writeFile(join(dir, 'shop.archive.gz'), gzipSync(bytes));
    return bytes;
  };

  it('loads the documents of a directory; collections and indexes are made beside it', async () => {
    await writeMongodump(join(dir, 'dump'), 'shop', { people });
    await restoredMongo(bench, join(dir, 'dump'), async ({ report, output, client }) => {
      expect(report).toMatchObject({ tool: 'mongorestore', databases: ['shop'], objects: 2, warnings: [] });
      expect(asked(output())).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^--uri=mongodb:\/\/\S+mongodb-27017\.sock\/$/),
          expect.stringMatching(/^--dir=\//),
          '--stopOnError',
          '--noIndexRestore',
          ...LEFT_OUT,
        ]),
      );
      expect(asked(output())).not.toContain('--oplogReplay');
      const indexes = await client.db('shop').collection('people').listIndexes().toArray();
      expect(indexes).toMatchObject([{ name: '_id_' }, { name: 'name_1', sparse: true }]);
    });
  });

  it('is given the whole of an archive, without what it was wrapped in', async () => {
    const { length } = await archive('whole');
    await restoredMongo(bench, join(dir, 'shop.archive.gz'), async ({ report, output }) => {
      expect(report).toMatchObject({ tool: 'mongorestore', databases: ['shop'] });
      expect(asked(output())).toEqual(expect.arrayContaining(['--archive', ...LEFT_OUT]));
      expect(output()).toContain(`given ${length} bytes`);
    });
  });

  it('replays an oplog, and then makes everything itself', async () => {
    await writeMongodump(join(dir, 'oplog'), 'shop', { people });
    await writeFile(join(dir, 'oplog', 'oplog.bson'), BSON.serialize({ op: 'n' }));
    await restoredMongo(bench, join(dir, 'oplog'), async ({ report, output, client }) => {
      expect(report).toMatchObject({ tool: 'mongorestore', databases: ['shop'] });
      expect(asked(output())).toContain('--oplogReplay');
      expect(asked(output())).not.toEqual(expect.arrayContaining(['--noIndexRestore']));
      expect(await client.db('shop').listCollections().toArray()).toEqual([]);
    });
  });

  it('that says that a document was not restored has failed', async () => {
    await archive('NOT TO BE RESTORED');
    const restoring = restoredMongo(bench, join(dir, 'shop.archive.gz'), async () => 'restored');
    await expect(restoring).rejects.toEqual(expect.objectContaining({ code: 'restore_failed' }));
  });
});
