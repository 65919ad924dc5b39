import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';
import { loadImage } from '../support/load-image.ts';
import { canRunOwnDaemon, type OwnDaemon, startDaemon } from '../support/own-daemon.ts';

describe.runIf(canRunOwnDaemon())('Docker under a fleet', () => {
  describeKinds('of %s', (sample) => {
    let daemon: OwnDaemon;
    let fleet: Fleet;
    beforeAll(async () => {
      daemon = await startDaemon();
      loadImage(daemon, sample.image);
      fleet = await startFleet({ kind: sample.kind, env: { DOCKER_HOST: daemon.host } });
      await sample.dump(fleet.dumps, { restoreMs: 1500 });
      await Promise.all([fleet.start('producer'), fleet.start('sink'), fleet.start('worker')]);
    }, 120_000);
    afterAll(async () => {
      await fleet?.close();
      await daemon?.close();
    });

    const inRestore = async (): Promise<string> => {
      const drillId = await fleet.enqueue();
      await fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'restore');
      return drillId;
    };
    const oneReceipt = async (drillId: string) => {
      const receipt = await fleet.receipt(drillId, 120_000);
      expect((await fleet.receipts()).filter((one) => one.drill_id === drillId)).toHaveLength(1);
      expect(await fleet.leftovers()).toEqual([]);
      return receipt;
    };

    it.each(['SIGTERM', 'SIGKILL'] as const)(
      'restarted by %s in the middle of a drill: the drill begins again, and ends in one receipt',
      { timeout: 180_000 },
      async (signal) => {
        const drillId = await inRestore();
        await daemon.stop(signal);
        await daemon.start();
        expect(await oneReceipt(drillId)).toMatchObject({
          result: 'pass',
          attempts: [{ outcome: 'error', reason: 'scratch_lost' }, { outcome: 'pass' }],
        });
      },
    );

    it('away when a drill comes: the drill waits until it is back, and uses up no try', {
      timeout: 120_000,
    }, async () => {
      await daemon.stop('SIGTERM');
      const drillId = await fleet.enqueue();
      await fleet.heard(drillId, (event) => event.type === 'waiting');
      await daemon.start();
      expect(await oneReceipt(drillId)).toMatchObject({ result: 'pass', attempts: [{ outcome: 'pass' }] });
    });
  });
});
