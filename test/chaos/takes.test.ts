import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownTake } from '@muster/core';
import { openRedis } from '@muster/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';

const SOURCES = ['shop', 'other'] as const;

describe.runIf(canRunIn('docker'))('backups that a fleet takes', () => {
  const { tokenOf, config } = apiTokens();
  const env: Record<string, string> = {};
  let fleet: Fleet;
  let api: Service;
  let workers: Service[];
  beforeAll(async () => {
    const source = (slug: string) => [
      `backup: { type: dump, location: ${slug} }`,
      `connection: { uri: env:${slug.toUpperCase()}_URI }`,
      'take: { overrun: skip }',
      'fidelity: off',
      'restore_only: true',
    ];
    const checks = {};
    const others = { other: { source: source('other'), checks } };
    fleet = await startFleet({ source: source('shop'), checks, others, config, env });
    for (const slug of SOURCES) {
      await mkdir(join(fleet.folder, slug));
      const host = encodeURIComponent(fleet.indexServer.dir);
      env[`${slug.toUpperCase()}_URI`] = `postgresql://postgres@/${slug}?host=${host}`;
      await fleet.indexServer.sql('postgres', `CREATE DATABASE ${slug}`);
      await fleet.indexServer.sql(slug, 'CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id');
    }
    const services = [
      fleet.start('producer'),
      fleet.start('worker'),
      fleet.start('worker'),
      fleet.start('api'),
    ];
    const [, first, second, served] = await Promise.all(services);
    if (first === undefined || second === undefined || served === undefined) throw new Error('not started');
    workers = [first, second];
    api = served;
  });
  afterAll(() => fleet?.close());

  const call = async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(`${addressOf(api)}/api/v1${path}`, {
      headers: { authorization: `Bearer ${tokenOf('operator')}`, 'content-type': 'application/json' },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const take = async (source: string) => (await call<{ id: string }>('/backups', { source })).id;
  const known = (id: string) => call<KnownTake>(`/backups/takes/${id}`);
  const lying = async (source: string): Promise<readonly string[]> =>
    (await readdir(join(fleet.folder, source)).catch(() => [])).toSorted();
  const isThere = async (source: string) => (await lying(source)).some((name) => /^[^.].*\.dump$/.test(name));

  /** Keeps whoever dumps it waiting until it is let go. */
  const hold = async (source: string) => {
    const { sql } = fleet.indexServer;
    const held = sql(source, 'BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(120)');
    held.catch(() => {});
    const locks =
      "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'orders'::regclass";
    await eventually('it is locked', async () => (await sql(source, locks)).trim() === '1');
    return async () => {
      const others = `datname = '${source}' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`;
      await sql(source, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`);
      await held.catch(() => {});
    };
  };

  const isDumping = (source: string) => {
    const waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass";
    return eventually(
      `${source} is dumped`,
      async () => Number(await fleet.indexServer.sql(source, waiting)) > 0,
      40_000,
    );
  };

  it('whose workers are killed, one in the middle and one when its backup was there: each is made once, by another', async () => {
    const release = { shop: await hold('shop'), other: await hold('other') };
    // A dump waits ten seconds for a lock, and no longer: whoever is to be killed in the middle begins last.
    const other = await take('other');
    await isDumping('other');
    const ids = { shop: await take('shop'), other };
    await isDumping('shop');
    const redis = openRedis(fleet.redis.url, 'commands');
    // No word of the backup reaches Redis.
    await redis.client('PAUSE', 60_000, 'WRITE');
    await release.other();
    await eventually('the backup of other is there', () => isThere('other'));
    await Promise.all(workers.map((worker) => worker.signal('SIGKILL')));
    await redis.client('UNPAUSE');
    redis.disconnect();
    await release.shop();
    const before = await lying('other');
    await fleet.start('worker');
    for (const source of SOURCES) {
      await eventually(
        `${source} is taken`,
        async () => (await known(ids[source])).outcome === 'taken',
        90_000,
      );
      const { backup = '', tries } = await known(ids[source]);
      expect(await lying(source)).toEqual([backup, `${backup}.muster.json`]);
      expect(tries).toBe(source === 'shop' ? 2 : 1);
    }
    expect(await lying('other')).toEqual(before.filter((name) => !name.startsWith('.')));
  }, 150_000);

  it('two of a source at once: one is refused, by hand and by the API', async () => {
    const release = await hold('shop');
    const id = await take('shop');
    await eventually('it runs', async () => (await known(id)).state === 'running');
    await expect(take('shop')).rejects.toThrow('take_overrun');
    const byHand = await fleet.muster('backup', 'take', '--source', 'shop');
    expect(byHand.exitCode).toBe(2);
    expect(byHand.stderr).toContain('Another take of the source "shop" is not over');
    await release();
    await eventually('it is taken', async () => (await known(id)).outcome === 'taken', 30_000);
    const again = await fleet.muster('backup', 'take', '--source', 'shop');
    expect(again.exitCode, again.stderr).toBe(0);
    const { takes } = await call<{ takes: { last: KnownTake[] } }>('/sources/shop');
    expect(takes.last.map(({ trigger, outcome }) => `${trigger.kind} ${outcome}`)).toEqual([
      'cli taken',
      'api skipped',
      'api taken',
      'api taken',
    ]);
  }, 90_000);
});
