import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';

/** Long enough for each phase to be met, short enough to be run many times. */
const SLOW_MS = 1500;

describeKinds('a worker that dies (%s)', (sample) => {
  let fleet: Fleet;
  let workers: Service[];
  beforeAll(async () => {
    fleet = await startFleet({
      kind: sample.kind,
      checks: { rows: [sample.count({ takesMs: SLOW_MS }), 'n == 1'] },
    });
    await sample.dump(fleet.dumps, { restoreMs: SLOW_MS });
    await Promise.all([fleet.start('producer'), fleet.start('sink')]);
    workers = await Promise.all(Array.from({ length: 8 }, () => fleet.start('worker')));
  });
  afterAll(() => fleet?.close());

  /** The worker that has the drill: its name ends in its process. */
  const holderOf = async (drillId: string, attempt: number): Promise<Service> => {
    const event = await fleet.heard(drillId, (one) => one.type === 'attempt' && one.attempt >= attempt);
    if (event.type !== 'attempt') throw new Error('not an attempt');
    const named = () => workers.find(({ child }) => event.worker.includes(`-${child.pid}-`));
    // One that was started a moment ago may have a drill before this test has it.
    await eventually(`${event.worker} is known here`, () => named() !== undefined);
    const holder = named();
    if (holder === undefined) throw new Error(`no worker here is ${event.worker}`);
    return holder;
  };
  const replace = async (dead: Service): Promise<void> => {
    const fresh = await fleet.start('worker');
    workers = [...workers.filter((worker) => worker !== dead), fresh];
  };

  it.concurrent.each(['locate', 'launch', 'restore', 'check', 'destroy'] as const)(
    'by SIGKILL in the phase %s: another takes over within 60 s, and there is one receipt',
    async (phase) => {
      const drillId = await fleet.enqueue();
      await fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === phase);
      const holder = await holderOf(drillId, 1);
      await holder.signal('SIGKILL');
      const killedAt = Date.now();
      await fleet.heard(drillId, (event) => event.type === 'attempt' && event.attempt > 1, 60_000);
      expect(Date.now() - killedAt).toBeLessThan(60_000);
      const receipt = await fleet.receipt(drillId);
      expect(receipt).toMatchObject({ result: 'pass', attempts: [{ outcome: 'lost' }, { outcome: 'pass' }] });
      expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
      await replace(holder);
    },
  );

  it.concurrent('three times over the same drill: it ends in one receipt of the sink, which tells the story', async () => {
    const drillId = await fleet.enqueue();
    for (let tries = 0, after = 0; tries < 3; tries += 1) {
      const event = await fleet.heard(drillId, (one) => one.type === 'attempt' && one.attempt > after);
      after = event.type === 'attempt' ? event.attempt : after;
      const holder = await holderOf(drillId, after);
      await holder.signal('SIGKILL');
      await replace(holder);
    }
    const receipt = await fleet.receipt(drillId);
    expect(receipt).toMatchObject({
      result: 'error',
      reason: 'worker_lost',
      issued_by: 'sink',
      attempts: [{ outcome: 'lost' }, { outcome: 'lost' }, { outcome: 'lost' }],
    });
  });

  it.concurrent('by hanging past its lock: the drill is taken over, and what it says when it wakes up changes nothing', async () => {
    const drillId = await fleet.enqueue();
    await fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'check');
    const holder = await holderOf(drillId, 1);
    await holder.signal('SIGSTOP');
    const receipt = await fleet.receipt(drillId);
    expect(receipt).toMatchObject({ result: 'pass', attempts: [{ outcome: 'lost' }, { outcome: 'pass' }] });
    await holder.signal('SIGCONT');
    await holder.signal('SIGTERM');
    await replace(holder);
    expect(await fleet.receipt(drillId)).toEqual(receipt);
    expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
  });

  it('leaves nothing on the host, however it died', async () => {
    await Promise.all(workers.map((worker) => worker.signal('SIGTERM')));
    expect(await fleet.leftovers()).toEqual([]);
  });
});
