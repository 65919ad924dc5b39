import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDirectoryStore,
  createSigner,
  type EvidenceStore,
  ensurePrivateKey,
  generateKeyPair,
  type KeyPaths,
  loadKeyring,
  putPlan,
} from '@muster/evidence';
import { type DrillIndex, openEmbeddedIndex } from '@muster/index';
import {
  consumeReceipts,
  createDrillEvents,
  createDrillQueue,
  createDrillStates,
  createNewestSeen,
  createPassedBackups,
  createQuarantinedDrills,
  createReceiptQueue,
  createTallies,
  openRedis,
  type ReceiptJob,
} from '@muster/queue';
import { type RunningSink, type SinkPorts, startSink } from '@muster/sink';
import { createLogger } from '@muster/telemetry';
import { type drilled, messageOf, signal } from '../../packages/sink/src/sink.fixture.ts';
import { eventually } from '../support/eventually.ts';
import { startRedis } from '../support/redis-server.ts';

export const keysIn = (folder: string): KeyPaths => ({
  privateKey: join(folder, 'fleet.key'),
  keyring: join(folder, 'keys'),
});

export const strangersSigner = () => createSigner(createPrivateKey(generateKeyPair().privateKeyPem));

/** What a sink has on the Redis at `url`, with the key in `folder`; it logs whole lines to `write`. */
export async function portsOn(
  url: string,
  folder: string,
  { store, index, write }: Pick<SinkPorts, 'store' | 'index'> & { readonly write: (line: string) => unknown },
) {
  const redis = openRedis(url, 'commands');
  const { privateKey } = await ensurePrivateKey(keysIn(folder), signal);
  const ports: SinkPorts = {
    consumeReceipts: (options) => consumeReceipts(url, options),
    drills: createDrillQueue(redis),
    receipts: createReceiptQueue(redis),
    states: createDrillStates(redis, url),
    events: createDrillEvents(redis, url),
    newest: createNewestSeen(redis),
    passed: createPassedBackups(redis),
    tallies: createTallies(redis),
    quarantined: createQuarantinedDrills(redis),
    store,
    index,
    keyring: () => loadKeyring(keysIn(folder).keyring),
    signer: createSigner(privateKey),
    issuer: { host: 'sink-host', musterVersion: '0.1.0' },
    logger: createLogger({ service: 'sink', pretty: false, stream: { write } }),
    now: () => new Date(),
  };
  return { ports, redis };
}

/** A real Redis, key, directory store and index, and as many sinks on them as are started. */
export async function sinksOnRedis() {
  const server = await startRedis();
  const folder = await mkdtemp(join(tmpdir(), 'muster-sinks-'));
  const index = await openEmbeddedIndex(join(folder, 'index'), signal);
  const directory = createDirectoryStore(join(folder, 'evidence'));
  const redis = openRedis(server.url, 'commands');
  const receipts = createReceiptQueue(redis);
  const { privateKey } = await ensurePrivateKey(keysIn(folder), signal);
  const signer = createSigner(privateKey);
  const log: Record<string, unknown>[] = [];
  let closing: (() => Promise<void>)[] = [];

  const logged = (msg: string) => log.filter((line) => line['msg'] === msg);
  return {
    server,
    folder,
    index,
    directory,
    signer,
    log,
    logged,
    /** Each message of a sink that has this text, as soon as there are so many. */
    hears: (msg: string, times = 1) =>
      eventually(`${times} × ${msg}`, () => logged(msg).length >= times, 60_000),
    start: async (
      changes: { store?: EvidenceStore; index?: Pick<DrillIndex, 'put'> } = {},
    ): Promise<RunningSink> => {
      const write = (line: string) => log.push(JSON.parse(line));
      const own = await portsOn(server.url, folder, { store: directory, index, write, ...changes });
      const sink = startSink(own.ports);
      closing.push(async () => {
        await sink.close();
        own.redis.disconnect();
      });
      await sink.ready;
      return sink;
    },
    receipts,
    publish: (message: ReceiptJob) => receipts.publish(message),
    /** A drill that was planned, and its worker's receipt on its way. */
    publishDrilled: async (drill: ReturnType<typeof drilled>, store: EvidenceStore = directory) => {
      await putPlan(store, drill.plan, signal);
      const message = messageOf(drill, signer);
      await receipts.publish(message);
      return message;
    },
    /** Resolves when the sinks are through with the drill. */
    done: (drillId: string) =>
      eventually(`no receipt of ${drillId} on its way`, async () => !(await receipts.holds(drillId)), 60_000),
    stopSinks: async () => {
      await Promise.all(closing.map((close) => close()));
      closing = [];
      log.length = 0;
    },
    close: async () => {
      await Promise.all(closing.map((close) => close()));
      redis.disconnect();
      await index.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
