import { openRedis } from '@muster/queue';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';

/** Longer than the lock of a job (20 s). */
const OUTAGE_MS = 60_000;

describeKinds('Redis (%s)', (sample) => {
  let fleet: Fleet;
  let services: readonly Service[];
  beforeEach(async () => {
    fleet = await startFleet({
      kind: sample.kind,
      checks: { rows: [sample.count({ takesMs: 3000 }), 'n == 1'] },
    });
    await sample.dump(fleet.dumps);
    services = await Promise.all([fleet.start('producer'), fleet.start('sink'), fleet.start('worker')]);
  });
  afterEach(() => fleet?.close());

  const tellRedis = async (command: string): Promise<void> => {
    const redis = openRedis(fleet.redis.url, 'commands');
    const [word = '', ...words] = command.split(' ');
    await redis.call(word, ...words);
    redis.disconnect();
  };
  const inCheck = async (): Promise<string> => {
    const drillId = await fleet.enqueue();
    await fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'check');
    return drillId;
  };
  const oneReceipt = async (drillId: string) => {
    const receipt = await fleet.receipt(drillId, 180_000);
    expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
    expect(await fleet.leftovers()).toEqual([]);
    return receipt;
  };

  it('restarted in the middle of a drill: the drill ends in one receipt', async () => {
    const drillId = await inCheck();
    await fleet.redis.stop();
    await fleet.redis.start();
    expect(await oneReceipt(drillId)).toMatchObject({ result: 'pass' });
  });

  it('killed in the middle of a drill: the drill ends in one receipt', async () => {
    const drillId = await inCheck();
    await fleet.redis.kill();
    await fleet.redis.start();
    expect(await oneReceipt(drillId)).toMatchObject({ result: 'pass' });
  });

  it('away for a minute: the drill ends in one receipt, and the fleet goes on', {
    timeout: 240_000,
  }, async () => {
    const drillId = await inCheck();
    await fleet.redis.stop();
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await fleet.redis.start();
    expect(await oneReceipt(drillId)).toMatchObject({ result: 'pass' });
    expect(await oneReceipt(await fleet.enqueue())).toMatchObject({ result: 'pass' });
  });

  it.each([
    ['full', 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0', /\(OOM\)/],
    ['read-only', 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE', /\(READONLY\)/],
  ] as const)(
    '%s when a drill ends: its receipt comes later, once; nothing new is taken, and logs say so and stay small',
    {
      timeout: 120_000,
    },
    async (_, spoil, mend, said) => {
      const drillId = await inCheck();
      await tellRedis(spoil);
      expect(await fleet.muster('drill', 'enqueue')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/^muster: .*Redis/),
      });
      const logs = (): readonly string[] => services.flatMap(({ log }) => log);
      await eventually('the receipt waits', () => logs().some((line) => line.includes('the receipt waits')));
      await eventually('it is said', () => logs().some((line) => said.test(line)));
      await tellRedis(mend);
      expect(await oneReceipt(drillId)).toMatchObject({ result: 'pass' });
      expect(await oneReceipt(await fleet.enqueue())).toMatchObject({ result: 'pass' });
      expect(logs().filter((line) => said.test(line)).length).toBeLessThan(10);
    },
  );

  it('wiped while drills wait and run: each ends in one receipt, and the fleet goes on', {
    timeout: 240_000,
  }, async () => {
    const running = await inCheck();
    const waiting = await fleet.enqueue();
    await fleet.redis.wipe();
    const [, lost] = await Promise.all([fleet.receipt(running, 180_000), fleet.receipt(waiting, 180_000)]);
    await oneReceipt(running);
    expect(lost).toMatchObject({ result: 'error', reason: 'lost', issued_by: 'sink' });
    expect(await oneReceipt(await fleet.enqueue())).toMatchObject({ result: 'pass' });
  });
});
