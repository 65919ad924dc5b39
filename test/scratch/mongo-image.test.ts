import type { Scratch } from '@muster/scratch';
import { Decimal128, Long, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { IMAGES } from '../support/images.js';
import { canRunMongo } from '../support/needs.js';
import { makeHost as makeBubblewrap } from './bubblewrap-maker.js';
import { type Bench, createBench, type MakeHost, MIB, sh } from './contract/subject.js';
import { makeBridgedHost, makeHost as makeDocker } from './docker-maker.js';

const SOCKET = 'mongodb-27017.sock';
const LIMITS = { cpus: 2, memoryBytes: 2048 * MIB, diskBytes: 256 * MIB, pids: 512 };

const places: readonly (readonly [string, 'docker' | 'bubblewrap', MakeHost])[] = [
  ['docker', 'docker', makeDocker],
  ['docker, bridged', 'docker', makeBridgedHost],
  ['bubblewrap', 'bubblewrap', makeBubblewrap],
];

for (const [place, isolation, makeHost] of places) {
  describe.runIf(canRunMongo(isolation))(`${place}: what stands in for MongoDB`, () => {
    let bench: Bench;
    let scratch: Scratch;
    let client: MongoClient;
    const asked = new AbortController();
    let server: ReturnType<typeof sh>;
    let log = '';

    beforeAll(async () => {
      const subject = { module: '', image: IMAGES.mongo, user: '999:999', binDir: '' };
      bench = await createBench(makeHost, subject, 'mongod --version');
      scratch = await bench.launch({ limits: LIMITS });
      const began = performance.now();
      const ready = Promise.withResolvers<void>();
      const onStderr = (text: string): void => {
        log += text;
        if (log.includes('Waiting for connections')) ready.resolve();
      };
      const flags = [
        `--dbpath ${scratch.dataDir} --unixSocketPrefix ${scratch.innerSocketDir} --filePermissions 0777`,
        '--bind_ip 127.0.0.1 --port 27017 --wiredTigerCacheSizeGB 0.25 --setParameter ttlMonitorEnabled=false',
      ];
      server = sh(scratch, `exec mongod ${flags.join(' ')} >&2`, { onStderr }, asked.signal);
      server.catch(ready.reject);
      await ready.promise;
      console.log(`${place}: mongod is ready after ${Math.round(performance.now() - began)} ms`);
      await scratch.expose({ name: SOCKET, tcpPort: 27017 });
      const uri = `mongodb://${encodeURIComponent(`${scratch.socketDir}/${SOCKET}`)}/`;
      client = new MongoClient(uri, { directConnection: true, promoteLongs: false });
    });
    afterAll(async () => {
      await client?.close(true);
      await scratch?.destroy();
      await bench?.close();
    });

    it('says so, and what it truly is', async () => {
      expect(bench.base.facts).toMatch(/^db version v7\.0\.77$/m);
      expect(bench.base.facts).toMatch(/^substitute: FerretDB 2\.7\.0$/m);
      const { version, ferretdb } = await client.db('admin').command({ buildInfo: 1 });
      expect([version, ferretdb.version]).toEqual(['7.0.77', 'v2.7.0']);
    });

    it('keeps numbers as they are', async () => {
      const numbers = client.db('shop').collection('numbers');
      const long = Long.fromString('9007199254740993');
      const decimal = Decimal128.fromString('73859.360');
      await numbers.insertOne({ long, decimal });
      const kept = await numbers.findOne();
      expect([kept?.['long'], kept?.['decimal']].map(String)).toEqual(['9007199254740993', '73859.360']);
    });

    it('counts, by indexes too', async () => {
      const orders = client.db('shop').collection('orders');
      await orders.insertMany(Array.from({ length: 3_000 }, (_, n) => ({ n, open: n % 4 === 0 })));
      await orders.createIndex({ n: 1 }, { unique: true });
      await orders.createIndex({ open: 1 }, { partialFilterExpression: { n: { $gt: 10 } } });
      expect(Number(await orders.countDocuments({ open: true }))).toBe(750);
      await expect(orders.insertOne({ n: 7 })).rejects.toMatchObject({ code: 11000 });
      const indexes = await orders.indexes();
      expect(indexes.map(({ name }) => name)).toEqual(['_id_', 'n_1', 'open_1']);
    });

    it('has views, and refuses collections that it cannot make', async () => {
      const db = client.db('shop');
      await db.collection('things').insertMany([{ open: true }, { open: false }]);
      await db.createCollection('open_things', { viewOn: 'things', pipeline: [{ $match: { open: true } }] });
      expect(Number(await db.collection('open_things').countDocuments())).toBe(1);
      const capped = db.createCollection('capped', { capped: true, size: 4096 });
      await expect(capped).rejects.toMatchObject({ code: 115 });
    });

    it('ends a question at its limit', async () => {
      const things = client.db('shop').collection('things');
      const sum = {
        $reduce: { input: { $range: [0, 900_000] }, initialValue: 0, in: { $add: ['$$value', '$$this'] } },
      };
      const asked = things.aggregate([{ $project: { sum } }], { maxTimeMS: 20 }).toArray();
      await expect(asked).rejects.toMatchObject({ code: 50 });
    });

    it('refuses flags that mongod does not know', async () => {
      const { exitCode, stderr } = await sh(scratch, 'mongod --dbpath /tmp --nosuchflag');
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('nosuchflag');
    });

    it('writes nothing but its data', async () => {
      const { stdout } = await sh(scratch, 'ls -A /tmp; ls -A /run');
      expect(stdout).toBe('');
    });

    it('ends at once when it is told to', async () => {
      const began = performance.now();
      const told = await sh(
        scratch,
        'kill -TERM $(cat /proc/[0-9]*/stat | sed -n "s/^\\([0-9]*\\) (mongod) .*/\\1/p")',
      );
      expect(told).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      expect((await server).exitCode).toBe(0);
      expect(performance.now() - began).toBeLessThan(2_000);
      const left = async () => (await sh(scratch, 'cat /proc/[0-9]*/comm')).stdout;
      await eventually('nothing of it is left', async () => !/postgres|ferretdb/.test(await left()));
    });
  });
}
