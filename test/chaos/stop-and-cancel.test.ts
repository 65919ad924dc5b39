import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';

describeKinds('a drill that is stopped by people (%s)', (sample) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({
      kind: sample.kind,
      checks: { rows: [sample.count({ takesMs: 8000 }), 'n == 1'] },
    });
    await sample.dump(fleet.dumps);
    await Promise.all([fleet.start('producer'), fleet.start('sink')]);
  });
  afterAll(() => fleet?.close());

  const inCheck = (drillId: string) =>
    fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'check');

  it('before any worker takes it leaves a receipt that says cancelled', async () => {
    const drillId = await fleet.enqueue();
    expect(await fleet.muster('drill', 'cancel', drillId)).toMatchObject({ exitCode: 0 });
    expect(await fleet.receipt(drillId, 5_000)).toMatchObject({
      result: 'error',
      reason: 'cancelled',
      attempts: [],
    });
  });

  it('while it runs ends within 5 s, with what was seen until then', async () => {
    const worker = await fleet.start('worker');
    const drillId = await fleet.enqueue();
    await inCheck(drillId);
    const asked = Date.now();
    expect(await fleet.muster('drill', 'cancel', drillId)).toMatchObject({ exitCode: 0 });
    expect(await fleet.receipt(drillId, 5_000)).toMatchObject({
      result: 'error',
      reason: 'cancelled',
      attempts: [{ outcome: 'error', reason: 'cancelled' }],
    });
    expect(Date.now() - asked).toBeLessThan(5_000);
    expect(await fleet.leftovers()).toEqual([]);
    await worker.signal('SIGTERM');
  });

  it('SIGTERM lets a worker finish what fits into its grace time', async () => {
    const worker = await fleet.start('worker', '--grace', '60s');
    const drillId = await fleet.enqueue();
    await inCheck(drillId);
    const waiting = await fleet.enqueue();
    await worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
    expect(worker.log.join('\n')).toContain(
      '"msg":"1 drill to finish; Ctrl-C or SIGTERM again ends at once"',
    );
    expect(await fleet.receipt(drillId)).toMatchObject({ result: 'pass', attempts: [{ outcome: 'pass' }] });
    expect((await fleet.receipts()).some((one) => one.drill_id === waiting)).toBe(false);
    await fleet.muster('drill', 'cancel', waiting);
    await fleet.receipt(waiting);
  });

  it('SIGTERM gives back what does not, without using up a try', async () => {
    const drillId = await fleet.enqueue();
    for (let round = 0; round < 3; round += 1) {
      const worker = await fleet.start('worker', '--grace', '1s');
      await fleet.heard(drillId, (event) => event.type === 'attempt' && event.attempt > round);
      await worker.signal('SIGTERM');
      expect(await worker.ended).toBe(0);
      expect(await fleet.leftovers()).toEqual([]);
    }
    const last = await fleet.start('worker');
    expect(await fleet.receipt(drillId)).toMatchObject({
      result: 'pass',
      attempts: [
        { outcome: 'returned' },
        { outcome: 'returned' },
        { outcome: 'returned' },
        { outcome: 'pass' },
      ],
    });
    expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
    await last.signal('SIGTERM');
  });
});
