import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RestoreEvent } from '@muster/restore';
import { Int32 } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  archiveOf,
  documentOf,
  writeDirectory,
} from '../../packages/engines/src/mongodb/format/dump-writer.fixture.ts';
import { type MongoServer, startMongo } from '../support/mongo-server.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { canRunMongo } from '../support/needs.ts';
import { restoreInto } from '../support/restore-bench.ts';

describe.skipIf(!canRunMongo('docker'))('a restore into a real MongoDB', () => {
  let server: MongoServer;
  let directory: string;
  let dump: string;
  const restore = (database: string, changes?: Parameters<typeof restoreInto>[3]) =>
    restoreInto('mongodb', dump, server.uri(database), changes);
  const count = (database: string, name = 'orders') =>
    server.client.db(database).collection(name).countDocuments();

  beforeAll(async () => {
    server = await startMongo();
    directory = await mkdtemp(join(tmpdir(), 'muster-mongo-'));
    dump = join(directory, 'dump');
    const documents = Array.from({ length: 500 }, (_, n) => ({ _id: new Int32(n) }));
    await writeMongodump(dump, 'shop', { orders: { documents } });
  });
  afterAll(async () => {
    await server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('goes into an empty database, under the name that the target has', async () => {
    const { statement, plan } = await restore('fresh');
    expect(statement.predicate.result).toBe('pass');
    expect(plan?.target).toMatchObject({ tables: 0, isEmpty: true });
    expect(await count('fresh')).toBe(500);
    expect(await server.client.db('fresh').listCollections().toArray()).toHaveLength(1);
  });

  it('refuses one that is not empty, and with --clean says that what is there goes first', async () => {
    await server.client.db('full').collection('old').insertOne({ n: 1 });
    await expect(restore('full')).rejects.toMatchObject({ code: 'target_not_empty' });
    const { plan } = await restore('full', { clean: true });
    expect(plan?.target.fate).toContain('dropped first');
    expect([await count('full'), await count('full', 'old')]).toEqual([500, 0]);
  });

  it('takes the database that is named from a dump of several, in both forms, and nothing else', async () => {
    const two = (['first', 'second'] as const).map((database) => ({
      database,
      name: 'orders',
      documents: [documentOf({ _id: database })],
      indexes: [{ v: 2, key: { at: 1 }, name: 'at_1' }],
    }));
    await writeFile(join(directory, 'two.archive'), archiveOf(two));
    await writeDirectory(join(directory, 'two'), two);
    for (const file of ['two.archive', 'two']) {
      await server.client.db('second').dropDatabase();
      const path = join(directory, file);
      const { statement, plan } = await restoreInto('mongodb', path, server.uri('second'));
      expect(statement.predicate.result).toBe('pass');
      expect(plan?.notes).toEqual([expect.stringContaining('(first, second): only second is restored')]);
      expect(await server.client.db('second').collection('orders').find().toArray()).toEqual([
        { _id: 'second' },
      ]);
      expect(await server.client.db('second').collection('orders').indexes()).toHaveLength(2);
      expect(await server.client.db('first').listCollections().toArray()).toEqual([]);
      const third = restoreInto('mongodb', path, server.uri('third'));
      await expect(third).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining('first, second'),
      });
    }
  });

  it('that was interrupted is known by the next run, which needs no --clean', async () => {
    const stop = new AbortController();
    const observe = (event: RestoreEvent) => {
      if (event.type === 'tool') stop.abort();
    };
    const first = await restore('half', { signal: stop.signal, ports: { observe } });
    expect(first.statement.predicate).toMatchObject({ result: 'error', reason: 'cancelled' });
    expect(first.state).toContain('half restored: run the same command again');
    const second = await restore('half');
    expect(second.plan?.target.left).toMatchObject({ where: 'half', state: 'restoring' });
    expect([second.statement.predicate.result, await count('half')]).toEqual(['pass', 500]);
  });

  it('refuses a server that does not answer, and a database of the server itself', async () => {
    const nowhere = 'mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200';
    await expect(restoreInto('mongodb', dump, nowhere)).rejects.toMatchObject({ code: 'target_unreachable' });
    await expect(restore('admin')).rejects.toMatchObject({ code: 'usage' });
  });
});
