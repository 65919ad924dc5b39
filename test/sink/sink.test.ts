import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MusterError, receiptKey } from '@muster/core';
import { listQuarantine } from '@muster/evidence';
import { openRedis } from '@muster/queue';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drilled, messageOf, signal } from '../../packages/sink/src/sink.fixture.ts';
import { eventually } from '../support/eventually.ts';
import { sinksOnRedis, strangersSigner } from './real-sink.ts';

type Sinks = Awaited<ReturnType<typeof sinksOnRedis>>;

let sinks: Sinks;
beforeAll(async () => {
  sinks = await sinksOnRedis();
});
afterEach(() => sinks.stopSinks());
afterAll(() => sinks?.close());

const keysOf = async (id: string): Promise<readonly string[]> =>
  (await Array.fromAsync(sinks.directory.list('', signal))).filter((key) => key.includes(id));
const receiptsOf = async (id: string) => (await keysOf(id)).filter((key) => key.startsWith('receipts/'));
const textAt = async (key: string) => Buffer.from(await sinks.directory.get(key, signal)).toString();

/** Starts a sink of its own process, that stops there, and kills it when it does. */
async function dieAt(where: string): Promise<void> {
  const hooks = fileURLToPath(new URL('../support/resolve-source.mjs', import.meta.url));
  const program = fileURLToPath(new URL('dying-sink.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=muster-source', '--import', hooks, program, where, sinks.server.url, sinks.folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a receipt', () => {
  it('is stored and indexed, and then its job is complete', async () => {
    const drill = drilled();
    await sinks.start();
    const { bundle } = await sinks.publishDrilled(drill);
    await sinks.done(drill.id);
    expect(await textAt(receiptKey('shop', drill.id))).toBe(bundle);
    expect((await sinks.index.get(drill.id, signal))?.statement).toEqual(drill.statement);
  });

  it.each(['stored, not indexed', 'indexed, not completed'])(
    'is stored and indexed once where its sink is killed when it is %s',
    async (where) => {
      const drill = drilled();
      const { bundle } = await sinks.publishDrilled(drill);
      await dieAt(where);
      expect(await receiptsOf(drill.id)).toHaveLength(1);
      await sinks.start();
      await sinks.done(drill.id);
      expect(await textAt(receiptKey('shop', drill.id))).toBe(bundle);
      expect((await sinks.index.get(drill.id, signal))?.statement).toEqual(drill.statement);
      expect(sinks.logged('receipt kept')).toMatchObject([{ drill_id: drill.id }]);
    },
  );

  it('of a sink is one, where the sink that signed it is killed', async () => {
    const { id, plan } = drilled();
    await sinks.publish({ type: 'unfinished', plan, reason: 'lost', attempts: [] });
    await dieAt('stored, not indexed');
    const first = await textAt(receiptKey('shop', id));
    await sinks.start();
    await sinks.done(id);
    expect(await textAt(receiptKey('shop', id))).toBe(first);
    expect(await sinks.index.get(id, signal)).toMatchObject({
      statement: { predicate: { issued_by: 'sink' } },
    });
  });

  it('waits in the queue while the index is down', async () => {
    const drill = drilled();
    const down = { is: true, met: 0 };
    const put: typeof sinks.index.put = async (receipt, limit) => {
      down.met += 1;
      if (down.is) throw new MusterError('index_unavailable', 'The index does not answer.');
      await sinks.index.put(receipt, limit);
    };
    await sinks.start({ index: { put } });
    await sinks.publishDrilled(drill);
    await eventually('it came again', () => down.met > 1);
    expect(sinks.logged('receipts wait, and come again')).toMatchObject([{ code: 'index_unavailable' }]);
    expect(await receiptsOf(drill.id)).toHaveLength(1);
    down.is = false;
    await sinks.done(drill.id);
    expect(await sinks.index.get(drill.id, signal)).toMatchObject({ drillId: drill.id });
  });

  it.runIf(process.geteuid?.() === 0)(
    'waits while the evidence store belongs to another user, and whoever asks is told so',
    async () => {
      const drill = drilled();
      const evidence = join(sinks.folder, 'evidence');
      await sinks.publishDrilled(drill);
      await chown(evidence, 65534, 65534);
      await sinks.start();
      await sinks.hears('not ready: receipts wait until the evidence store can be written');
      expect(sinks.logged('ready')).toEqual([]);
      const error = expect.stringContaining(`${evidence} belongs to nobody`);
      const trouble = 'evidence_unwritable';
      expect(sinks.log).toMatchObject([{ code: trouble, error }]);
      await eventually('it is to come again', async () => (await sinks.receipts.trouble()) === trouble);
      expect(await sinks.receipts.find(drill.id)).toMatchObject({ drillId: drill.id, trouble });
      await chown(evidence, 0, 0);
      await sinks.done(drill.id);
      await sinks.hears('ready');
      expect(await sinks.receipts.trouble()).toBeUndefined();
    },
  );

  it('is left to another sink by one that is told to stop', async () => {
    const drill = drilled();
    const stopped = await sinks.start();
    await stopped.close();
    await sinks.publishDrilled(drill);
    await sinks.start();
    await sinks.done(drill.id);
    expect(await receiptsOf(drill.id)).toHaveLength(1);
  });
});

describe('quarantine', () => {
  it('takes what is forged, signed by a stranger, of another drill, or no message at all; nothing else does', async () => {
    const [forged, strange, replayed, honest] = [drilled(), drilled(), drilled(), drilled()];
    const seen = await sinks.publishDrilled(honest);
    const other = messageOf(forged, sinks.signer);
    await sinks.publish({ ...other, bundle: other.bundle.replace(/"sig":"../, '"sig":"xx') });
    await sinks.publish(messageOf(strange, strangersSigner()));
    await sinks.publish({ ...seen, drill_id: replayed.id });
    const redis = openRedis(sinks.server.url, 'commands');
    const queue = new Queue('receipts', { connection: redis, prefix: 'muster' });
    await queue.add('receipt', { type: 'receipt', drill_id: '../../etc' });

    await sinks.start();
    await sinks.hears('receipt in quarantine', 4);
    for (const { id } of [forged, strange, replayed, honest]) await sinks.done(id);
    const kept = await listQuarantine(sinks.directory, signal);
    expect(kept.map(({ drillId }) => drillId ?? 'unknown').toSorted()).toEqual(
      [forged.id, strange.id, replayed.id, 'unknown'].toSorted(),
    );
    for (const { id } of [forged, strange, replayed]) {
      expect(await receiptsOf(id)).toEqual([]);
      expect(await sinks.index.get(id, signal)).toBeUndefined();
    }
    expect(await receiptsOf(honest.id)).toHaveLength(1);
    expect(await queue.getJobCounts('waiting', 'active', 'delayed', 'failed')).toEqual({
      waiting: 0,
      active: 0,
      delayed: 0,
      failed: 0,
    });
    await queue.close();
    redis.disconnect();
  });
});
