import { createDrillQueue, createReceiptQueue, openRedis } from '@muster/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { type MusterFolder, musterFolder, type Started } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';

describe.runIf(canRunIn('docker'))('a drill that has ended, and whose receipt is not stored', () => {
  let fleet: Fleet;
  let elsewhere: MusterFolder;
  beforeAll(async () => {
    fleet = await startFleet();
    elsewhere = await musterFolder();
    await fleet.start('producer');
  });
  afterAll(async () => {
    await fleet?.close();
    await elsewhere?.remove();
  });

  const watch = (drillId: string): Started =>
    elsewhere.start(['drill', 'watch', drillId], {
      MUSTER_CONFIG: `${fleet.folder}/muster.yaml`,
      FLEET_REDIS: fleet.redis.url,
      FLEET_INDEX: 'unused',
    });
  const told = async (...args: readonly string[]) => (await fleet.muster('drill', ...args)).stdout;

  it('waits for the sink, in the words of list, show, cancel and watch, and ends when there is one', async () => {
    const drillId = await fleet.enqueue();
    expect(await told('list')).toMatch(
      /waiting +waits for a worker of the pool default \(none serves it now\)/,
    );
    const before = watch(drillId);
    await before.said(/waits for a worker of the pool default/);
    await fleet.muster('drill', 'cancel', drillId);
    await before.said(/its receipt waits for the sink/);
    expect(await told('list')).toMatch(new RegExp(`^${drillId} .* storing +waits for the sink`, 'm'));
    expect(JSON.parse(await told('list', '--json')).drills).toMatchObject([
      { drill_id: drillId, state: 'storing' },
    ]);
    expect(await told('show', drillId)).toMatch(/state +storing$.*waits for +the sink/ms);
    expect(await fleet.muster('drill', 'cancel', drillId)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has ended, and its receipt waits for the sink'),
    });
    const after = watch(drillId);
    await after.said(/its receipt waits for the sink/);
    await fleet.start('sink');
    for (const { ended } of [before, after]) {
      expect(await ended).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('cancelled') });
    }
    expect(await told('list')).toMatch(/error +cancelled/);
  });

  it('is found where the configuration file has faults, or is not there, by the one in force', async () => {
    const env = { MUSTER_REDIS_URL: fleet.redis.url };
    const asked = await elsewhere.run(['drill', 'enqueue', '--source', 'shop', '--json'], env);
    expect(asked).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('No configuration file is') });
    const { drill_id: drillId } = JSON.parse(asked.stdout);
    await elsewhere.write('muster.yaml', 'sources: 1');
    for (const command of [['show', drillId], ['list'], ['cancel', drillId], ['watch', drillId]]) {
      const { stdout, stderr } = await elsewhere.run(['drill', ...command], env);
      expect(stderr).toContain('muster.yaml has faults (muster config check tells them): the one in force');
      expect(stdout).toContain(command[0] === 'watch' ? 'cancelled' : drillId);
    }
    const without = await elsewhere.run(['drill', 'list']);
    expect(without).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('or MUSTER_REDIS_URL its Redis'),
    });
    const named = await elsewhere.run(['drill', 'list', '--config', 'none.yaml'], env);
    expect(named).toMatchObject({ exitCode: 64 });
    expect(await elsewhere.run(['config', 'push'], env)).toMatchObject({ exitCode: 64 });
  });

  it('is waited for while Redis is away, which is said', async () => {
    const drillId = await fleet.enqueue();
    const watching = watch(drillId);
    await watching.said(/waits for a worker/);
    await fleet.redis.stop();
    await watching.said(/Redis at .* is not reached \(ENOENT\)/);
    await fleet.redis.start();
    await fleet.muster('drill', 'cancel', drillId);
    expect(await watching.ended).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('cancelled') });
  });

  it('is in quarantine, with the reason', async () => {
    const drillId = await fleet.enqueue();
    const redis = openRedis(fleet.redis.url, 'commands');
    const [drills, receipts] = [createDrillQueue(redis), createReceiptQueue(redis)];
    await drills.remove(drillId);
    await receipts.publish({ type: 'receipt', drill_id: drillId, source: 'shop', attempt: 1, bundle: '{}' });
    const watching = watch(drillId);
    await watching.said(/its receipt is in quarantine: \S/);
    expect(await told('list')).toMatch(new RegExp(`^${drillId} .* quarantined`, 'm'));
    expect(await told('show', drillId)).toMatch(/state +quarantined\n *why +\S/);
    expect(await fleet.muster('drill', 'cancel', drillId)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has ended, and its receipt is in quarantine'),
    });
    const later = await fleet.enqueue();
    const { drills: listed } = JSON.parse(await told('list', '--json'));
    const shown = listed.map((drill: { drill_id: string; state?: string }) => [drill.drill_id, drill.state]);
    expect(shown.slice(-2)).toEqual([
      [drillId, 'quarantined'],
      [later, 'waiting'],
    ]);
    expect(shown.slice(0, -2).every(([, state]: readonly [string, string?]) => state === undefined)).toBe(
      true,
    );
    watching.child.kill('SIGINT');
    expect(await watching.ended).toMatchObject({ exitCode: 2 });
    await Promise.all([drills.close(), receipts.close()]);
    redis.disconnect();
  });
});
