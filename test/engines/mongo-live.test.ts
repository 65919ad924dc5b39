import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import { compareFidelity } from '@muster/core';
import { type Artefact, liveDumperOf, mongodbEngine, type RestoreReport } from '@muster/engines';
import { BSON, Decimal128, type Document, Int32, Long, type MongoClient, ObjectId, Timestamp } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority } from '../support/certificates.ts';
import { docker } from '../support/docker-cli.ts';
import { imageWith } from '../support/image-with.ts';
import { IMAGES } from '../support/images.ts';
import { clientOf, MONGO_FACTS, mongoBench } from '../support/mongo-bench.ts';
import { canRunMongo } from '../support/needs.ts';
import { never, type ServerBench, serverBench, type Up } from '../support/server-bench.ts';

const dumper = liveDumperOf('mongodb');
const code = (reason: string) => expect.objectContaining({ code: reason });
/** All but the first hello of a connection, and its answer, come so. */
const OP_MSG = 2013;
const READS = new Set([
  ...['hello', 'ismaster', 'ping', 'buildInfo', 'endSessions'],
  ...['listCollections', 'listIndexes', 'find', 'getMore', 'killCursors'],
]);
const ODD = new Map<string, unknown>([
  ['_id', new ObjectId('650f00000000000000000001')],
  ['9', Long.fromString('9007199254740993')],
  ['10', Decimal128.fromString('1.10')],
  [
    '1',
    new Map<string, unknown>([
      ['b', new Int32(1)],
      ['2', new Date(-1)],
      ['a', [null, 'é']],
    ]),
  ],
]);

describe.runIf(canRunMongo('docker'))('a live MongoDB', () => {
  let bench: ServerBench;
  let source: Up;
  let client: MongoClient;
  let end: (() => void) | undefined;
  let ended: Promise<void>;
  let uri: (database?: string) => string;
  beforeAll(async () => {
    bench = await mongoBench('docker mongo');
    const started = Promise.withResolvers<Up>();
    ended = bench.within(MONGO_FACTS, (up) => {
      started.resolve(up);
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    source = await Promise.race([started.promise, ended.then(() => Promise.reject(new Error('it ended')))]);
    uri = (database = '') =>
      `mongodb://${encodeURIComponent(`${source.scratch.socketDir}/mongodb-27017.sock`)}/${database}`;
    client = clientOf(source);
    const shop = client.db('shop');
    await shop
      .collection<{ _id: number }>('many')
      .insertMany(Array.from({ length: 20_000 }, (_, _id) => ({ _id, text: 'x'.repeat(500) })));
    await shop.collection('odd').insertOne(ODD as never);
    await shop.collection('many').createIndex({ text: 1, '1': -1 }, { name: 'by text', sparse: true });
    await shop.createCollection('empty');
    await shop.createCollection('some', { viewOn: 'many', pipeline: [{ $match: { _id: { $lt: 10 } } }] });
    await client.db('other').collection('things').insertOne({ a: 1 });
  });
  afterAll(async () => {
    await client?.close();
    end?.();
    await ended;
    await bench?.close();
  });

  const facts = { ...MONGO_FACTS, databases: ['shop'] };
  const restoring = <T>(
    artefact: Artefact,
    use: (restored: MongoClient, report: RestoreReport) => Promise<T>,
  ) =>
    bench.within(facts, async (up) => {
      const options = {
        facts,
        fallbackDatabase: 'restored',
        jobs: 2,
        onProgress: () => undefined,
        onOutput: up.onOutput,
      };
      const report = await up.server.restore(artefact, options, never());
      const restored = clientOf(up);
      try {
        return await use(restored, report);
      } finally {
        await restored.close();
      }
    });
  const dumped = async (database?: string) => {
    const survey = await dumper.survey(uri(database), never());
    return dumper.dump(uri(database), survey, bench.host, bench.base);
  };

  it('tells its version and its name', async () => {
    const told = { major: 7, serverVersion: '7.0.77', format: 'archive' };
    expect(await dumper.survey(uri('shop'), never())).toMatchObject({ ...told, database: 'shop' });
    expect(await dumper.survey(uri(), never())).not.toHaveProperty('database');
  });

  it.each(['shop', undefined])('tells how large its data are (of %s)', async (database) => {
    const told = await dumper.survey(uri(database), never());
    const { sizeBytes } = await dumper.measure(uri(database), told, never());
    expect(sizeBytes).toBeGreaterThan(0);
  });

  it('streams into a scratch as it is, and its bytes are hashed on the way', async () => {
    const dump = await dumped('shop');
    expect(dump.warnings).toEqual([{ code: 'no_snapshot', count: 1 }]);
    await restoring(dump, async (restored, report) => {
      expect(report).toMatchObject({
        databases: ['shop'],
        examined: { sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), sizeBytes: report.bytes },
        facts: { format: 'archive', serverVersion: '7.0.77', toolVersion: 'muster' },
      });
      expect(report.bytes).toBeGreaterThan(10_000_000);
      const shop = restored.db('shop');
      const [odd] = await shop.collection('odd').find({}, { raw: true }).toArray();
      expect(Buffer.from(odd as unknown as Uint8Array)).toEqual(Buffer.from(BSON.serialize(ODD)));
      expect(await shop.collection('many').countDocuments()).toBe(20_000);
      expect(await shop.collection('some').countDocuments()).toBe(10);
      const names = (await shop.listCollections().toArray()).map(({ name }) => name).sort();
      expect(names.filter((name) => !name.startsWith('system.'))).toEqual(['empty', 'many', 'odd', 'some']);
      const indexes = await shop.collection('many').listIndexes().toArray();
      expect(indexes.find(({ name }) => name === 'by text')).toMatchObject({
        key: { text: 1, '1': -1 },
        sparse: true,
      });
      expect(await restored.db('other').listCollections().toArray()).toEqual([]);
    });
  });

  it('shares no moment, and recorded while it is quiet is what comes back', async () => {
    const survey = await dumper.survey(uri('shop'), never());
    expect(await dumper.openSnapshot(uri('shop'), survey, never())).toBeUndefined();
    const sentinels = [{ table: 'shop.many', key: { _id: 7 } }];
    const asked = { level: 'full', budgetMs: 60_000, sentinels } as const;
    const recorded = await dumper.recordQuiet(uri('shop'), survey, asked, never());
    await bench.within(facts, async ({ server, onOutput }) => {
      const options = { facts, fallbackDatabase: 'restored', jobs: 2, onProgress: () => undefined, onOutput };
      await server.restore(await dumped('shop'), options, never());
      const found = () => server.recordFidelity(['shop'], asked, never());
      const compared = { tables: 3, rows: '20001', contents: 3, sentinels: 1 };
      expect(compareFidelity(recorded, await found())).toMatchObject({ verdict: 'equal', compared });
      await client.db('shop').collection('odd').insertOne({ more: 1 });
      const more = await dumper.recordQuiet(uri('shop'), survey, asked, never());
      await client.db('shop').collection('odd').deleteOne({ more: 1 });
      expect(compareFidelity(more, await found()).differences).toEqual([
        { database: 'shop', what: 'table', name: 'odd', difference: 'rows', expected: '2', found: '1' },
      ]);
    });
  });

  it('that is not told a database is dumped whole, but for what is the server’s own', async () => {
    await client
      .db('admin')
      .collection('system.version')
      .insertOne({ a: 1 })
      .catch(() => undefined);
    await restoring(await dumped(), async (restored, report) => {
      expect(report.databases).toEqual(['other', 'shop']);
      expect(await restored.db('other').collection('things').countDocuments()).toBe(1);
    });
  });

  it('that can is read in a snapshot session', async () => {
    const survey = { ...(await dumper.survey(uri('shop'), never())), snapshots: true };
    const dump = dumper.dump(uri('shop'), survey, bench.host, bench.base);
    expect(dump.warnings).toBeUndefined();
    await restoring(dump, async (restored) => {
      expect(await restored.db('shop').collection('many').countDocuments()).toBe(20_000);
    });
  });

  it('that can is dumped and recorded as of the one time that its first answer told', async () => {
    const atClusterTime = new Timestamp({ t: 1_764_000_000, i: 7 });
    const wire = await tapped(`${source.scratch.socketDir}/mongodb-27017.sock`, atClusterTime);
    try {
      const survey = { ...(await dumper.survey(wire.uri, never())), snapshots: true };
      const snapshot = await dumper.openSnapshot(wire.uri, survey, never());
      if (snapshot === undefined) throw new Error('there is a moment');
      const dump = dumper.dump(wire.uri, survey, bench.host, bench.base, { snapshot: snapshot.id });
      for await (const _ of dump.open(never()));
      for (const level of ['full', 'counts'] as const) {
        const asked = { level, budgetMs: 60_000, sentinels: [{ table: 'shop.many', key: { _id: 7 } }] };
        const { databases } = await snapshot.record(asked, Promise.resolve(), never());
        expect(databases[0]?.tables.map(({ unavailable }) => unavailable)).toEqual(Array(3).fill(undefined));
      }
      await snapshot.close();
      const [first, ...reads] = wire.asked
        .filter(([command]) => command === 'find' || command === 'aggregate')
        .map(([, , { readConcern }]) => readConcern);
      expect(first).toEqual({ level: 'snapshot' });
      // The dump, the contents, the counts; a sentinel each time.
      expect(reads).toEqual(Array(3 + 3 + 1 + 3 + 1).fill({ level: 'snapshot', atClusterTime }));
    } finally {
      wire.cut();
    }
  });

  it('that says it can, and tells no moment, shares none', async () => {
    const survey = { ...(await dumper.survey(uri('shop'), never())), snapshots: true };
    expect(await dumper.openSnapshot(uri('shop'), survey, never())).toBeUndefined();
  });

  it('without the database of the URI says so', async () => {
    await expect(dumper.survey(uri('nowhere'), never())).rejects.toEqual(code('unknown_database'));
  });

  it('is read once, with nothing but what the role read may', async () => {
    const wire = await tapped(`${source.scratch.socketDir}/mongodb-27017.sock`);
    try {
      const survey = await dumper.survey(wire.uri, never());
      const dump = dumper.dump(wire.uri, survey, bench.host, bench.base);
      await restoring(dump, async (restored) => {
        expect(await restored.db('shop').collection('many').countDocuments()).toBe(20_000);
      });
      expect(wire.asked.filter(([command]) => !READS.has(command))).toEqual([]);
      const found = wire.asked.filter(([command]) => command === 'find').map(([, of]) => of);
      expect(found.sort()).toEqual(['empty', 'many', 'odd']);
    } finally {
      wire.cut();
    }
  });

  it('whose dump breaks off in the middle has not failed a backup', async () => {
    const wire = await tapped(`${source.scratch.socketDir}/mongodb-27017.sock`);
    try {
      const survey = await dumper.survey(wire.uri, never());
      const dump = dumper.dump(wire.uri, survey, bench.host, bench.base);
      const broken: Artefact = {
        ...dump,
        open: (signal) => {
          const stream = dump.open(signal);
          stream.once('data', () => wire.cut());
          return stream.pause();
        },
      };
      await expect(restoring(broken, async () => 'restored')).rejects.toEqual(code('dump_failed'));
    } finally {
      wire.cut();
    }
  });

  it('is spoken to with the TLS of the URI, or not at all', async () => {
    const [ours, another] = await Promise.all([authority(), authority()]);
    const { cert, key } = await ours.issue('server', 'DNS:localhost');
    const served = { cert: await readFile(cert), key: await readFile(key) };
    const open = new Set<Socket>();
    const server = createTlsServer(served, (near) => {
      const far = connect(`${source.scratch.socketDir}/mongodb-27017.sock`);
      for (const socket of [near, far]) open.add(socket.on('error', () => undefined));
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const survey = (host: string, ca: string) =>
      dumper.survey(
        `mongodb://${host}:${port}/shop?tls=true&tlsCAFile=${ca}&serverSelectionTimeoutMS=1000`,
        never(),
      );
    try {
      expect(await survey('localhost', ours.ca)).toMatchObject({ database: 'shop' });
      await expect(survey('localhost', another.ca)).rejects.toEqual(code('tls_refused'));
      await expect(survey('127.0.0.1', ours.ca)).rejects.toEqual(code('tls_refused'));
    } finally {
      for (const socket of open) socket.destroy();
      server.close();
      await Promise.all([ours.remove(), another.remove()]);
    }
  });

  it('may be given up', async () => {
    const stop = AbortSignal.timeout(1);
    await expect(dumper.survey(uri('shop'), stop)).rejects.toEqual(code('cancelled'));
    const dump = await dumped('shop');
    await expect(buffer(dump.open(AbortSignal.abort()))).rejects.toBeDefined();
  });

  it('is dumped by the mongodump of the image, whose arguments tell nothing', async () => {
    const secret = 'mongodb://u:hunter2@nowhere.example/shop?authSource=admin';
    const archive = await buffer((await dumped('shop')).open(never()));
    const image = await imageWithMongodump(archive, `uri: ${JSON.stringify(secret)}`);
    const own = await serverBench(mongodbEngine, image, 'docker mongo');
    try {
      const survey = { ...(await dumper.survey(uri('shop'), never())), snapshots: true };
      const dump = dumper.dump(secret, survey, own.host, own.base);
      expect(dump.warnings).toEqual([{ code: 'no_snapshot', count: 1 }]);
      await restoring(dump, async (restored) => {
        expect(await restored.db('shop').collection('many').countDocuments()).toBe(20_000);
      });
      const other = dumper.dump(`${secret}x`, survey, own.host, own.base);
      await expect(buffer(other.open(never()))).rejects.toEqual(code('dump_failed'));
    } finally {
      await own.close();
      await docker('image', 'rm', image);
    }
  });
});

describe('a live MongoDB that does not let us in', () => {
  it('is not reached', async () => {
    const uri = 'mongodb://u:hunter2@127.0.0.1:1/shop?serverSelectionTimeoutMS=300';
    const refused = dumper.survey(uri, never());
    await expect(refused).rejects.toEqual(code('source_unreachable'));
    await expect(refused).rejects.not.toThrow('hunter2');
  });

  it('has no URI that can be used', async () => {
    await expect(dumper.survey('mysql://u:hunter2@h/d', never())).rejects.toEqual(code('secret_unavailable'));
  });
});

/** The stand-in with a mongodump that gives this archive to who tells it this on its stdin. */
async function imageWithMongodump(archive: Uint8Array, told: string): Promise<string> {
  const image = `${IMAGES.mongo}-mongodump`;
  const script = `#!/bin/sh
    [ "$1" = --version ] && { echo 'mongodump version: 100.10.0'; exit 0; }
    [ "$*" = '--config=/dev/stdin --archive' ] || exit 3
    IFS= read -r line </dev/stdin
    [ "$line" = '${told}' ] || exit 4
    exec cat /shop.archive
  `;
  await imageWith(IMAGES.mongo, image, { '/usr/bin/mongodump': script, '/shop.archive': archive });
  return image;
}

/**
 * A way to a socket, where what is asked is heard, and that can be cut: from then on it takes nobody.
 * @param moment - what a server that can would tell of the first that is found, and the stand-in does not.
 */
async function tapped(path: string, moment?: Timestamp) {
  const sockets = new Set<Socket>();
  const asked: Command[] = [];
  let isTold = false;
  const server = createServer((near) => {
    const far = connect(path);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    near.on(
      'data',
      eachMessage((message) => {
        if (message.readInt32LE(12) === OP_MSG) asked.push(commandOf(message));
      }),
    );
    near.pipe(far);
    if (moment === undefined) {
      far.pipe(near);
      return;
    }
    far.once('end', () => near.end());
    far.on(
      'data',
      eachMessage((message) => {
        const isFirst = !isTold && asked.at(-1)?.[0] === 'find';
        isTold ||= isFirst;
        near.write(isFirst ? withMoment(message, moment) : message);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    uri: `mongodb://127.0.0.1:${port}/shop?serverSelectionTimeoutMS=1000`,
    asked,
    cut,
  };
}

/** The name of a command, what it is asked of, and all of it. */
type Command = readonly [command: string, of: unknown, whole: Document];

/** Pieces of a stream as the messages of the wire. */
function eachMessage(use: (message: Buffer) => void): (piece: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (piece) => {
    rest = Buffer.concat([rest, piece]);
    while (rest.length >= 16 && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(message.length);
      use(message);
    }
  };
}

/** Before the one document of a message. */
const HEAD_BYTES = 21;

function commandOf(message: Buffer): Command {
  const whole = BSON.deserialize(message.subarray(HEAD_BYTES));
  const [field] = Object.entries(whole);
  if (field === undefined) throw new Error('a command without a name');
  return [...field, whole];
}

function withMoment(answer: Buffer, atClusterTime: Timestamp): Buffer {
  const { cursor, ...told } = BSON.deserialize(answer.subarray(HEAD_BYTES), { promoteValues: false });
  const document = BSON.serialize({ cursor: { ...cursor, atClusterTime }, ...told });
  const message = Buffer.concat([answer.subarray(0, HEAD_BYTES), document]);
  message.writeInt32LE(message.length, 0);
  return message;
}
