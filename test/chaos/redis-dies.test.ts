import { openRedis } from '@muster/queue';
import { expect, it, type TestContext } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { describeKinds, type TestKind } from '../support/kinds.ts';

/** Longer than the lock of a job (20 s). */
const OUTAGE_MS = 60_000;

interface RedisFleet extends Fleet {
  readonly services: readonly Service[];
}

/** A producer, a sink and a worker over a Redis of their own; gone when the test is. */
async function aFleet(
  sample: TestKind,
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
): Promise<RedisFleet> {
  const fleet = await startFleet({
    kind: sample.kind,
    checks: { rows: [sample.count({ takesMs: 3000 }), 'n == 1'] },
  });
  onTestFinished(() => fleet.close());
  await sample.dump(fleet.dumps);
  const services = await Promise.all([fleet.start('producer'), fleet.start('sink'), fleet.start('worker')]);
  return { ...fleet, services };
}

async function tellRedis(fleet: Fleet, command: string): Promise<void> {
  const redis = openRedis(fleet.redis.url, 'commands');
  const [word = '', ...words] = command.split(' ');
  await redis.call(word, ...words);
  redis.disconnect();
}

async function inCheck(fleet: Fleet): Promise<string> {
  const drillId = await fleet.enqueue();
  await heardInCheck(fleet, drillId);
  return drillId;
}

const heardInCheck = (fleet: Fleet, drillId: string) =>
  fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'check');

async function oneReceipt(fleet: Fleet, drillId: string) {
  const receipt = await fleet.receipt(drillId, 180_000);
  expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
  expect(await fleet.leftovers()).toEqual([]);
  return receipt;
}

describeKinds('Redis (%s)', (sample) => {
  it('restarted in the middle of a drill: the drill ends in one receipt', async (test) => {
    const fleet = await aFleet(sample, test);
    const drillId = await inCheck(fleet);
    await fleet.redis.stop();
    await fleet.redis.start();
    expect(await oneReceipt(fleet, drillId)).toMatchObject({ result: 'pass' });
  });

  it('killed in the middle of a drill: the drill ends in one receipt', async (test) => {
    const fleet = await aFleet(sample, test);
    const drillId = await inCheck(fleet);
    await fleet.redis.kill();
    await fleet.redis.start();
    expect(await oneReceipt(fleet, drillId)).toMatchObject({ result: 'pass' });
  });

  it.for([
    ['full', 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0', /\(OOM\)/],
    ['read-only', 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE', /\(READONLY\)/],
  ] as const)(
    '%s when a drill ends: its receipt comes later, once; nothing new is taken, and logs say so and stay small',
    async ([, spoil, mend, said], test) => {
      const fleet = await aFleet(sample, test);
      const drillId = await inCheck(fleet);
      await tellRedis(fleet, spoil);
      expect(await fleet.muster('drill', 'enqueue')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/^muster: .*Redis/),
      });
      const logs = (): readonly string[] => fleet.services.flatMap(({ log }) => log);
      await eventually('the receipt waits', () => logs().some((line) => line.includes('the receipt waits')));
      await eventually('it is said', () => logs().some((line) => said.test(line)));
      await tellRedis(fleet, mend);
      expect(await oneReceipt(fleet, drillId)).toMatchObject({ result: 'pass' });
      expect(await oneReceipt(fleet, await fleet.enqueue())).toMatchObject({ result: 'pass' });
      expect(logs().filter((line) => said.test(line)).length).toBeLessThan(10);
    },
  );
});

describeKinds(
  'Redis, and what takes its time (%s)',
  (sample) => {
    it('away for a minute: the drill ends in one receipt, and the fleet goes on', {
      timeout: 240_000,
    }, async (test) => {
      const fleet = await aFleet(sample, test);
      const drillId = await inCheck(fleet);
      await fleet.redis.stop();
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
      await fleet.redis.start();
      expect(await oneReceipt(fleet, drillId)).toMatchObject({ result: 'pass' });
      expect(await oneReceipt(fleet, await fleet.enqueue())).toMatchObject({ result: 'pass' });
    });

    it('wiped while drills wait and run: each ends in one receipt, and the fleet goes on', {
      timeout: 240_000,
    }, async (test) => {
      const fleet = await aFleet(sample, test);
      // To ask for a second one takes as long as the check of the first: both are asked for before it is looked for.
      const running = await fleet.enqueue();
      const waiting = await fleet.enqueue();
      await heardInCheck(fleet, running);
      await fleet.redis.wipe();
      const [, lost] = await Promise.all([fleet.receipt(running, 180_000), fleet.receipt(waiting, 180_000)]);
      await oneReceipt(fleet, running);
      expect(lost).toMatchObject({ result: 'error', reason: 'lost', issued_by: 'sink' });
      expect(await oneReceipt(fleet, await fleet.enqueue())).toMatchObject({ result: 'pass' });
    });
  },
  { atOnce: true },
);
