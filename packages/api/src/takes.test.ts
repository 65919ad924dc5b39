import { type KnownTake, newTakeId, parseConfig } from '@muster/core';
import type { TakeJob } from '@muster/queue';
import type { Logger } from '@muster/telemetry';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api.js';
import type { ApiPorts } from './api-ports.js';
import { bearer, tokens } from './role-tokens.fixture.js';
import { buildServer } from './server.js';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const parsed = parseConfig(
  `
defaults: { kind: postgres, restore_only: true, connection: { uri: env:PLANTED } }
sources:
  - { slug: shop, backup: { type: dump, location: /b }, take: { cron: "0 0 * * *", pool: db-host } }
  - { slug: sets, backup: { type: pgbackrest, stanza: s, config: /c }, take: { type: diff, overrun: wait } }
  - { slug: theirs, backup: { type: dump, location: /b } }
`,
  { file: 'muster.yaml', baseDirectory: '/' },
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
const { config } = parsed;
const silent: Logger = { info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

/** Takes and their queues in memory. */
function world() {
  const queued: TakeJob[] = [];
  const known = new Map<string, { slug: string; take: KnownTake }>();
  const claims = new Map<string, { request: string; id: string }>();
  const given = { active: false, accounted: new Map<string, Date>() };
  const takesOf = (slug: string) =>
    [...known.values()].flatMap((one) => (one.slug === slug ? [one.take] : [])).toReversed();
  const ports = {
    inForce: async () => config,
    takes: {
      add: async (job: TakeJob) => {
        if (queued.some(({ id }) => id === job.id)) return 'exists';
        queued.push(job);
        return 'queued';
      },
      state: async (_pool: string, id: string) =>
        queued.some((job) => job.id === id) ? (given.active ? 'active' : 'open') : 'absent',
    },
    takeHistory: {
      begin: async (slug: string, take: KnownTake) => known.size < known.set(take.id, { slug, take }).size,
      put: async (slug: string, take: KnownTake) => void known.set(take.id, { slug, take }),
      get: async (_slug: string, id: string) => known.get(id)?.take,
      list: async (slugs: readonly string[]) => new Map(slugs.map((slug) => [slug, takesOf(slug)])),
      find: async (_slugs: readonly string[], id: string) => known.get(id),
    },
    tallies: { add: async () => {} },
    schedules: { accounted: async () => given.accounted },
    registry: { list: async () => [] },
    idempotency: {
      claim: async (key: string, request: string, id: string) => {
        const first = claims.get(key) ?? { request, id };
        claims.set(key, first);
        return first.request === request ? first.id : undefined;
      },
    },
    drills: { list: async () => [], abandoned: async () => [] },
    receipts: { list: async () => [] },
    quarantined: { list: async () => [] },
    index: { list: async () => [], lastPasses: async () => [] },
    board: { queues: { list: async () => [] }, sessions: {} },
    logger: silent,
    now: () => NOW,
  } as unknown as ApiPorts;
  return { ports, queued, known, given };
}

describe('a take by the API', () => {
  let w: ReturnType<typeof world>;
  let server: ApiServer;
  beforeEach(async () => {
    w = world();
    server = await buildServer(w.ports, { tokens: () => tokens, version: '0' });
    return () => server.close();
  });
  const ask = (payload: object, headers: object = {}) =>
    server.inject({
      method: 'POST',
      url: '/api/v1/backups',
      payload,
      headers: { ...bearer('operator'), ...headers },
    });
  const get = (url: string) => server.inject({ url, headers: bearer('viewer') });

  it('is queued for the pool that takes, by references alone, and tells where it is', async () => {
    const answer = await ask({ source: 'shop' });
    expect(answer.statusCode).toBe(202);
    const { id, warning } = answer.json<{ id: string; warning: string }>();
    expect(warning).toBe('No worker serves the pool db-host now: the take waits for one.');
    expect(w.queued).toEqual([
      {
        id,
        source: 'shop',
        kind: 'postgres',
        pool: 'db-host',
        trigger: { kind: 'api', requested_by: 'operator' },
        config_sha256: config.configSha256,
      },
    ]);
    expect(answer.headers['location']).toBe(`/api/v1/backups/takes/${id}`);
    const told = (await get(`/api/v1/backups/takes/${id}`)).json();
    expect(told).toMatchObject({ id, source: 'shop', state: 'queued', due_at: NOW.toISOString() });
    expect((await get('/api/v1/sources/shop')).json().takes).toMatchObject({
      pool: 'db-host',
      overrun: 'skip',
      schedules: [{ name: 'default', next: '2026-11-22T00:00:00.000Z' }],
      last: [{ id }],
      findings: [],
    });
  });

  it('is of the type asked for, where the source has types', async () => {
    await ask({ source: 'sets' });
    w.known.clear();
    await ask({ source: 'sets', type: 'full' });
    expect(w.queued.map(({ type }) => type)).toEqual(['diff', 'full']);
  });

  it('with a key is the same take', async () => {
    const key = { 'idempotency-key': 'one' };
    const [first, second] = [await ask({ source: 'shop' }, key), await ask({ source: 'shop' }, key)];
    expect(second.json()).toEqual(first.json());
    expect(w.queued).toHaveLength(1);
    expect((await ask({ source: 'sets' }, key)).json()).toMatchObject({ status: 422, code: 'key_reused' });
  });

  it('is refused while another of the source is under way, and that is noted', async () => {
    await ask({ source: 'shop' });
    w.given.active = true;
    expect((await ask({ source: 'shop' })).json()).toMatchObject({ status: 409, code: 'take_overrun' });
    const { takes } = (await get('/api/v1/sources/shop')).json();
    expect(takes.last).toMatchObject([{ outcome: 'skipped', reason: 'take_overrun' }, { state: 'queued' }]);
  });

  it('waits for the one that runs with overrun wait, one at the most', async () => {
    await ask({ source: 'sets' });
    w.given.active = true;
    expect((await ask({ source: 'sets' })).statusCode).toBe(202);
    w.given.active = false;
    expect((await ask({ source: 'sets' })).statusCode).toBe(409);
  });

  it.each([
    [{}, 'invalid_request'],
    [{ source: 'none' }, 'unknown_source'],
    [{ source: 'theirs' }, 'not_taken'],
    [{ source: 'shop', type: 'full' }, 'invalid_request'],
    [{ source: 'sets', type: 'most' }, 'invalid_request'],
    [{ source: 'shop', pool: 'none' }, 'unknown_pool'],
  ])('refuses what is no request for one: %j', async (body, code) => {
    expect((await ask(body)).json()).toMatchObject({ status: 400, code });
    expect(w.queued).toEqual([]);
  });

  it('is not known any more, or never was', async () => {
    const answer = await get(`/api/v1/backups/takes/${newTakeId(NOW)}`);
    expect(answer.json()).toMatchObject({ status: 404, code: 'take_not_found' });
  });

  it('whose schedule is never met shows with its source', async () => {
    w.given.accounted.set('shop/take.default', new Date('2026-11-17T12:00:00.000Z'));
    const { takes } = (await get('/api/v1/sources/shop')).json();
    expect(takes.findings).toMatchObject([{ code: 'never_met', schedule: 'default' }]);
  });
});
