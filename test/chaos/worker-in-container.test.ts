import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';

/** Where a worker of root has its sockets. */
const RUNTIME = '/run/muster';

/** Whether the scratch of a drill, which runs now, has a directory of this host. */
function sharesDirectory(drillId: string): boolean {
  const docker = (...args: readonly string[]): string =>
    execFileSync('docker', args, { encoding: 'utf8' }).trim();
  const scratch = docker('ps', '--quiet', '--filter', `label=muster.drill=${drillId}`);
  return /"Type":"bind"/.test(docker('inspect', '--format', '{{json .Mounts}}', scratch));
}

describeKinds('a worker in a container with the socket of Docker (%s)', (sample) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ kind: sample.kind, checks: { rows: [sample.count(), 'n == 1'] } });
    await sample.dump(fleet.dumps, { restoreMs: 1500 });
    await Promise.all([fleet.start('producer'), fleet.start('sink')]);
  });
  afterAll(() => fleet?.close());

  it.each([
    ['that sees nothing of what its scratches see', []],
    ['that shares the directory of sockets with its host', [RUNTIME]],
  ])(
    '%s drills, and one that is killed is taken over, and nothing is left',
    { timeout: 120_000 },
    async (_, shares) => {
      const worker = await fleet.startInContainer(...shares);
      const whole = await fleet.enqueue();
      expect(await fleet.receipt(whole)).toMatchObject({ result: 'pass', attempts: [{ outcome: 'pass' }] });

      const interrupted = await fleet.enqueue();
      await fleet.heard(interrupted, (event) => event.type === 'phase-started' && event.phase === 'restore');
      expect(sharesDirectory(interrupted)).toBe(shares.length > 0);
      await worker.signal('SIGKILL');
      const other = await fleet.startInContainer(...shares);
      expect(await fleet.receipt(interrupted)).toMatchObject({
        result: 'pass',
        attempts: [{ outcome: 'lost' }, { outcome: 'pass' }],
      });
      await other.signal('SIGTERM');
      expect(await fleet.leftovers()).toEqual([]);
    },
  );
});
