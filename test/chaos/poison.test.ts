import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { newDrillId } from '@muster/core';
import { openRedis } from '@muster/queue';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';
import { samplePlan } from '../support/sample-plan.ts';

const HUGE = 'x'.repeat(5_000_000);

describeKinds('whatever somebody puts into Redis (%s)', (sample) => {
  let fleet: Fleet;
  let services: Service[];
  let redis: ReturnType<typeof openRedis>;
  const queues: Queue[] = [];
  const queueOf = (name: string): Queue => {
    const queue = new Queue(name, { connection: redis, prefix: 'muster' });
    queues.push(queue);
    return queue;
  };
  beforeAll(async () => {
    fleet = await startFleet({ kind: sample.kind });
    await sample.dump(fleet.dumps);
    services = await Promise.all([fleet.start('producer'), fleet.start('sink'), fleet.start('worker')]);
    redis = openRedis(fleet.redis.url, 'commands');
  });
  afterAll(async () => {
    await Promise.all(queues.map((queue) => queue.close()));
    redis?.disconnect();
    await fleet?.close();
  });

  /** No service died of it, and the next drill is as ever. */
  const goesOn = async (): Promise<void> => {
    const drillId = await fleet.enqueue();
    expect(await fleet.receipt(drillId)).toMatchObject({ result: 'pass' });
    expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
    expect(services.map(({ child }) => child.exitCode ?? child.signalCode)).toEqual([null, null, null]);
    expect(services.flatMap(({ log }) => log.filter((line) => /^\s+at |Error:/.test(line)))).toEqual([]);
  };

  it('into the queue of drills: no drill comes of it', async () => {
    const plan = samplePlan();
    const drills = queueOf('drills');
    const jobs = [
      {},
      null,
      { plan: 7 },
      { plan: { ...plan, extra: HUGE } },
      { plan: { ...plan, drill_id: '../../x' } },
    ];
    for (const data of jobs) await drills.add('drill', data);
    await drills.add('drill', { plan }, { jobId: newDrillId(new Date()) });
    await eventually('all were looked at', async () => (await drills.getFailedCount()) === jobs.length + 1);
    await goesOn();
    expect(await fleet.receipts()).toHaveLength(1);
  });

  it('into the queue of receipts: it goes to quarantine', async () => {
    const before = (await fleet.receipts()).length;
    const plan = samplePlan();
    const receipt = { type: 'receipt', drill_id: plan.drill_id, source: 'shop', attempt: 1 };
    const jobs = [
      {},
      'text',
      { ...receipt, bundle: '' },
      { ...receipt, bundle: HUGE },
      { ...receipt, bundle: '{"dsseEnvelope":{"payload":"e30=","payloadType":"x","signatures":[]}}' },
      { ...receipt, drill_id: '../../x', source: '../..', bundle: '{"a":1}' },
      { type: 'unfinished', plan: { ...plan, drill_id: '../../x' }, reason: 'lost', attempts: [] },
      {
        type: 'unfinished',
        plan: { ...plan, source: { slug: '../..', kind: 'postgres' } },
        reason: 'lost',
        attempts: [],
      },
      {
        type: 'unfinished',
        plan: { ...plan, trigger: { kind: 'cli', requested_by: '\ud800' } },
        reason: 'lost',
        attempts: [],
      },
    ];
    const queue = queueOf('receipts');
    for (const data of jobs) await queue.add('receipt', data);
    const left = async () => Object.values(await queue.getJobCounts()).reduce((sum, count) => sum + count, 0);
    await eventually('nothing is left in the queue', async () => (await left()) === 0, 30_000);
    const kept = await readdir(join(fleet.folder, 'evidence', 'quarantine'), { recursive: true });
    expect(kept.filter((path) => /\/[0-9a-f]{64}\.json$/.test(path))).toHaveLength(jobs.length);
    expect(await fleet.receipts()).toHaveLength(before);
    await goesOn();
  });

  it('into the queue of ticks: no drill comes of it', async () => {
    const before = (await fleet.receipts()).length;
    const ticks = queueOf('ticks');
    for (const data of [{}, null, { source: 'shop', schedule: 'none' }, { source: '../..', schedule: '' }]) {
      await ticks.add('tick', data);
    }
    await goesOn();
    expect(await fleet.receipts()).toHaveLength(before + 1);
  });

  it('into the keys of Muster: it is as if nothing were there', async () => {
    const drillId = newDrillId(new Date());
    await Promise.all([
      redis.set('muster:worker:strange', '{'),
      redis.set('muster:worker:other', JSON.stringify({ worker: 7 })),
      redis.hset(`muster:drill:${drillId}`, { 'begun:1': '{', 'ended:x': '7', waiting: '[]', cancel: HUGE }),
      redis.xadd(`muster:events:${drillId}`, '*', 'event', '{'),
      redis.sadd('muster:pools', '../..', ''),
      redis.publish('muster:cancel', HUGE),
      redis.publish('muster:config:pushes', 'nothing'),
    ]);
    await goesOn();
    expect(await fleet.muster('drill', 'list')).toMatchObject({ exitCode: 0 });
  });

  it('in place of the configuration in force: the producer puts its own there again', async () => {
    await redis.set('muster:config:current', '{"digest":7}');
    await services[0]?.signal('SIGHUP');
    await eventually(
      'it is in force',
      async () => (await redis.get('muster:config:current')) !== '{"digest":7}',
    );
    await goesOn();
  });

  it('of another type than Muster keeps there: commands say so, and no service ends', async () => {
    await redis.del('muster:pools');
    await redis.set('muster:pools', 'text');
    expect(await fleet.muster('drill', 'enqueue')).toMatchObject({
      exitCode: 2,
      stderr: expect.not.stringMatching(/^\s+at /m),
    });
    await redis.del('muster:pools');
    await goesOn();
  });
});
