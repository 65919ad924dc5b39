import { generateKeyPairSync } from 'node:crypto';
import {
  type Catalogue,
  type CatalogueEntry,
  createPlan,
  type KnownTake,
  type Look,
  MusterError,
  newDrillId,
  newTakeId,
  type Plan,
  parseConfig,
  ROLES,
  type Statement,
  sha256,
  unfinishedStatement,
} from '@muster/core';
import type { IndexedDrill } from '@muster/index';
import type { Heartbeat } from '@muster/queue';
import type { Logger } from '@muster/telemetry';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiServer } from './api.js';
import type { ApiPorts } from './api-ports.js';
import { bearer, tokens } from './role-tokens.fixture.js';
import { buildServer } from './server.js';

const NOW = new Date('2026-11-21T03:00:00.000Z');
const parsed = parseConfig(
  `
sources:
  - { slug: shop, kind: postgres, backup: { type: dump, location: /b }, checks: [a, b], schedule: "0 4 * * *" }
  - { slug: bare, kind: postgres, pool: eu, backup: { type: dump, location: /b }, restore_only: true }
checks:
  - { id: a, summary_sql: SELECT 'planted' AS n, expect: n == "planted" }
  - { id: b, summary_sql: SELECT 1 AS n, expect: n == 1 }
`,
  { file: 'muster.yaml', baseDirectory: '/' },
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
const { config } = parsed;
const { publicKey } = generateKeyPairSync('ed25519');
const KEY = { keyId: 'a'.repeat(64), publicKey, publicKeyPem: 'PEM', path: '/PLANTED/a.pem' };
const RECEIPT = '{"the":  "bytes"}';
/** A try of 5 s. */
const TRIED = {
  worker: 'w',
  started_at: '2026-11-21T02:59:00.000Z',
  ended_at: '2026-11-21T02:59:05.000Z',
  outcome: 'error',
} as const;
const entry = (id: string, hour: number): CatalogueEntry => ({
  id,
  location: `file:///b/${id}`,
  created_at: `2026-11-20T${String(hour).padStart(2, '0')}:00:00.000Z`,
  created_at_from: 'header',
  state: 'whole',
  origin: 'muster',
});
const CATALOGUE: Catalogue = {
  ...{ at: '2026-11-21T03:00:00.000Z', host: 'h', worker: 'w', location: 'file:///b', count: 3 },
  backups: [entry('c', 3), entry('b', 2), entry('a', 1)],
};
const LOOK: Look = {
  at: NOW.toISOString(),
  host: 'h',
  worker: 'w',
  outcome: 'run',
  restore_point: { kind: 'latest', listed: 2 },
  backup: { id: 'a.dump', location: 'file:///b/a.dump' },
  unknown: [],
};
const silent: Logger = { info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

const worker = (pool: string): Heartbeat => ({
  ...{ worker: `w-${pool}`, host: 'h', version: '0', pool, concurrency: 1, state: 'ready', drills: [] },
  started_at: NOW.toISOString(),
  at: NOW.toISOString(),
});

/** An API on ports in memory. */
function world() {
  const plans: Plan[] = [];
  const traceparents = new Map<string, string | undefined>();
  const cancelled: string[] = [];
  const asked: { readonly schedule?: string | undefined; readonly plan: Plan }[] = [];
  const wanted: string[] = [];
  const claims = new Map<string, { readonly request: string; readonly drillId: string }>();
  const ended: IndexedDrill[] = [];
  const takes = new Map<string, KnownTake>();
  const given = {
    redis: true,
    lastPass: undefined as Date | undefined,
    keyFault: undefined as undefined | 'one' | 'all',
    queue: true,
    held: false,
    look: LOOK as Look | undefined,
    catalogue: CATALOGUE as Catalogue | undefined,
    short: undefined as 'memory' | undefined,
    stored: new Map<string, string>(),
    storing: new Set<string>(),
    refused: new Set<string>(),
    trouble: undefined as string | undefined,
    services: { producer: 1, sink: 1 },
    workers: [worker('default'), worker('eu')],
  };
  const refused = () =>
    [...given.refused].map((drillId) => ({ drillId, source: 'shop', why: 'it is forged' }));
  const ports: ApiPorts = {
    inForce: async () => config,
    drills: {
      add: async (plan, { traceparent } = {}) => {
        if (!given.queue) throw new MusterError('redis_unavailable', 'gone');
        if (plans.some(({ drill_id }) => drill_id === plan.drill_id)) return 'exists';
        plans.push(plan);
        traceparents.set(plan.drill_id, traceparent);
        return 'queued';
      },
      find: async (id) => {
        const plan = plans.find(({ drill_id }) => drill_id === id);
        return plan && { plan, state: 'waiting', idleSince: NOW, traceparent: traceparents.get(id) };
      },
      list: async () => plans.map((plan) => ({ plan, state: 'waiting' as const, idleSince: NOW })),
      remove: async () => 'removed',
      isHeld: async () => given.held,
      abandoned: async () => [],
      depths: async () => [],
      forget: async () => {},
      close: async () => {},
    },
    states: {
      attempts: async () => [],
      waiting: async () => undefined,
      requestCancel: async (id: string) => void cancelled.push(id),
    } as unknown as ApiPorts['states'],
    events: {
      publish: async () => {},
      underWay: async () => ({}),
      follow: async function* () {},
      close: async () => {},
    },
    receipts: {
      publish: async () => {},
      holds: async (id) => given.storing.has(id),
      find: async (id) => (given.storing.has(id) ? { drillId: id, source: 'shop' } : undefined),
      list: async () => [...given.storing].map((drillId) => ({ drillId, source: 'shop' })),
      trouble: async () => given.trouble,
      depth: async () => ({ waiting: given.storing.size }),
      close: async () => {},
    },
    quarantined: {
      find: async (id) => refused().find(({ drillId }) => drillId === id),
      list: async () => refused(),
    },
    registry: {
      list: async () => {
        if (!given.redis) throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
        return given.workers;
      },
    },
    services: { count: async () => given.services },
    reservations: { shortage: async () => given.short },
    catalogues: {
      ask: async ({ source }) => void wanted.push(source),
      answer: async () => (wanted.length === 0 ? undefined : given.catalogue),
    },
    looks: {
      ask: async (question, plan) => void asked.push({ ...question, plan }),
      answer: async () => (asked.length === 0 ? undefined : given.look),
    },
    idempotency: {
      claim: async (key, request, drillId) => {
        const first = claims.get(key) ?? { request, drillId };
        claims.set(key, first);
        return first.request === request ? first.drillId : undefined;
      },
    },
    takes: { add: async () => 'queued', state: async () => 'open', close: async () => {} },
    takeHistory: {
      begin: async (_slug, take) => takes.size < takes.set(take.id, take).size,
      put: async (_slug, take) => void takes.set(take.id, take),
      get: async (_slug, id) => takes.get(id),
      list: async () => new Map([['shop', [...takes.values()].toReversed()]]),
      find: async (_slugs, id) => {
        const take = takes.get(id);
        return take && { slug: 'shop', take };
      },
    },
    tallies: { add: async () => {} },
    schedules: { accounted: async () => new Map() },
    board: {
      queues: { list: async () => [] },
      sessions: { begin: async () => '', holder: async () => undefined, end: async () => {} },
    },
    index: {
      get: async (id) => ended.find(({ drillId }) => drillId === id),
      lastPasses: async ({ source }) =>
        source === 'shop' && given.lastPass !== undefined ? [{ source, at: given.lastPass }] : [],
      list: async ({ limit, before, source, result }) =>
        ended
          .filter((one) => source === undefined || one.source === source)
          .filter((one) => result === undefined || one.statement.predicate.result === result)
          .filter((one) => before === undefined || one.drillId < before)
          .toSorted((a, b) => (a.drillId < b.drillId ? 1 : -1))
          .slice(0, limit),
    },
    store: {
      location: 'memory',
      putOnce: async (key: string, bytes: Uint8Array) => {
        if (given.stored.has(key)) return 'exists';
        given.stored.set(key, new TextDecoder().decode(bytes));
        return 'stored';
      },
      get: async (key: string) => {
        const kept = given.stored.get(key);
        if (key.startsWith('plans/') && kept === undefined)
          throw new MusterError('evidence_not_found', 'none');
        return new TextEncoder().encode(kept ?? RECEIPT);
      },
      list: async function* () {},
    } as unknown as ApiPorts['store'],
    keyring: async () => {
      if (given.keyFault === undefined) return { location: 'keys', keys: [KEY], faults: [] };
      if (given.keyFault === 'all') throw new MusterError('key_unreadable', 'PLANTED');
      return {
        location: 'keys',
        keys: [KEY],
        faults: [{ path: '/PLANTED/bad.pem', code: 'key_invalid', why: 'PLANTED' }],
      };
    },
    metricsText: async () => 'muster_drills_total 1\n',
    logger: silent,
    now: () => NOW,
  };
  const end = (): string => {
    const [source] = config.sources;
    if (source === undefined) throw new Error('the source of the test is gone');
    const drillId = newDrillId(new Date(NOW.getTime() - 60_000));
    const plan = createPlan(config, source, {
      drillId,
      trigger: { kind: 'cli' },
      restorePoint: { kind: 'latest' },
    });
    const issuer = { host: 'h', musterVersion: '0', nodeVersion: 'v24', os: 'Linux', now: NOW };
    const statement: Statement = unfinishedStatement({ plan, reason: 'lost', attempts: [TRIED] }, issuer);
    ended.push({
      statement,
      key: 'k',
      sha256: sha256(RECEIPT).replace('sha256:', ''),
      drillId,
      source: 'shop',
      proves: false,
      askedAt: NOW,
      issuedAt: NOW,
    });
    return drillId;
  };
  return { ports, plans, cancelled, asked, wanted, given, end };
}

describe('the API', () => {
  let w: ReturnType<typeof world>;
  let server: ApiServer;
  beforeEach(async () => {
    w = world();
    server = await buildServer(w.ports, { tokens: () => tokens, version: '0' });
    return () => server.close();
  });

  const ask = (payload: object, headers: Record<string, string> = {}) =>
    server.inject({
      method: 'POST',
      url: '/api/v1/drills',
      payload,
      headers: { ...bearer('operator'), ...headers },
    });
  const get = (url: string, role = 'viewer') => server.inject({ url, headers: bearer(role) });

  const ID = newDrillId(NOW);
  const TAKE = newTakeId(NOW);
  const ROUTES = [
    ['POST', '/api/v1/drills', 'operator'],
    ['GET', '/api/v1/drills', 'viewer'],
    ['GET', `/api/v1/drills/${ID}`, 'viewer'],
    ['GET', `/api/v1/drills/${ID}/events`, 'viewer'],
    ['GET', `/api/v1/drills/${ID}/receipt`, 'viewer'],
    ['POST', `/api/v1/drills/${ID}/cancel`, 'operator'],
    ['GET', '/api/v1/sources', 'viewer'],
    ['GET', '/api/v1/backups?source=shop', 'viewer'],
    ['GET', '/api/v1/sources/shop', 'viewer'],
    ['GET', '/api/v1/sources/shop/preflight', 'viewer'],
    ['POST', '/api/v1/backups', 'operator'],
    ['GET', `/api/v1/backups/takes/${TAKE}`, 'viewer'],
    ['GET', '/api/v1/workers', 'viewer'],
    ['GET', '/api/v1/keys', undefined],
    ['GET', '/healthz', undefined],
    ['GET', '/readyz', undefined],
    ['GET', '/metrics', 'viewer'],
    ['GET', '/openapi.json', undefined],
    ['GET', '/docs/', undefined],
  ] as const;

  it.each(ROUTES)('%s %s is for whoever is %s at least, and for nobody else', async (method, url, role) => {
    const refused = async (headers: Record<string, string>) => {
      const { statusCode } = await server.inject({ method, url, headers });
      return statusCode === 401 || statusCode === 403 ? statusCode : undefined;
    };
    const least = role === undefined ? 0 : ROLES.indexOf(role);
    expect(await refused({})).toBe(role && 401);
    expect(await refused(bearer('nobody'))).toBe(role && 401);
    for (const [index, one] of ROLES.entries())
      expect(await refused(bearer(one))).toBe(index < least ? 403 : undefined);
  });

  it('lists every route of its document among those that are tested', async () => {
    const { paths } = (await get('/openapi.json')).json<{ paths: Record<string, Record<string, unknown>> }>();
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(
        (method) =>
          `${method.toUpperCase()} ${path.replace('takes/{id}', `takes/${TAKE}`).replace('{id}', ID).replace('{slug}', 'shop')}`,
      ),
    );
    const tested = ROUTES.map(([method, url]) => `${method} ${url.split('?')[0]}`);
    expect(tested).toEqual(expect.arrayContaining(documented));
  });

  it('has a document in which every property is in snake_case, those of events too', async () => {
    const names = new Set<string>();
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [key, value] of Object.entries(schema)) {
        if (key === 'properties') for (const name of Object.keys(value)) names.add(name);
        walk(value);
      }
    };
    const { paths } = (await get('/openapi.json')).json();
    walk(paths);
    const parameters = Object.values<Record<string, { parameters?: { name: string; in: string }[] }>>(paths)
      .flatMap((methods) => Object.values(methods).flatMap((method) => method.parameters ?? []))
      .filter((parameter) => parameter.in !== 'header');
    for (const { name } of parameters) names.add(name);
    expect([...names]).toEqual(expect.arrayContaining(['issued_at', 'total_bytes', 'cursor']));
    expect([...names].filter((name) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  it('makes a drill part of the trace of whoever asks, if it is one', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${trace}-b7ad6b7169203331-01`;
    const asked = await ask({ source: 'shop' }, { traceparent });
    const { id } = asked.json<{ id: string }>();
    expect(asked.json()).toEqual({ id, trace_id: trace });
    expect((await get(`/api/v1/drills/${id}`)).json()).toMatchObject({ trace_id: trace });
    for (const other of ['', 'hunter2', traceparent.replace(trace, '0'.repeat(32))]) {
      const answer = await ask({ source: 'shop' }, { traceparent: other });
      expect(answer.statusCode).toBe(202);
      expect(answer.json()).not.toHaveProperty('trace_id');
    }
  });

  it('says when a source last passed as the index has it, however many drills ended since', async () => {
    expect((await get('/api/v1/sources/shop')).json()).not.toHaveProperty('last_pass');
    w.given.lastPass = new Date('2026-10-01T00:00:00.000Z');
    w.end();
    const { last_pass, trend } = (await get('/api/v1/sources/shop')).json<Record<string, unknown>>();
    expect({ last_pass, trend }).toEqual({ last_pass: '2026-10-01T00:00:00.000Z', trend: ['error'] });
  });

  it('names a bad file of the keyring beside the keys that count, and no place', async () => {
    const keys = [{ key_id: KEY.keyId, pem: 'PEM' }];
    expect((await get('/api/v1/keys')).json()).toEqual({ keys });
    w.given.keyFault = 'one';
    const answer = await get('/api/v1/keys');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ keys, faults: [{ file: 'bad.pem', code: 'key_invalid' }] });
    w.given.keyFault = 'all';
    const none = await get('/api/v1/keys');
    expect(none.json()).toMatchObject({ status: 503, code: 'key_unreadable' });
    expect(none.body).not.toContain('PLANTED');
  });

  it('serves metrics as Prometheus reads them', async () => {
    const answer = await get('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toBe('muster_drills_total 1\n');
  });

  it('says who asked, and what for, in the plan', async () => {
    const answer = await ask({ source: 'shop', checks: ['b'], restore_point: { id: 'x.dump' }, pool: 'eu' });
    expect(answer.statusCode).toBe(202);
    const { id } = answer.json<{ id: string }>();
    expect(answer.headers['location']).toBe(`/api/v1/drills/${id}`);
    expect(w.plans).toMatchObject([
      {
        drill_id: id,
        trigger: { kind: 'api', requested_by: 'operator' },
        pool: 'eu',
        restore_point: { kind: 'id', asked: 'x.dump' },
        checks: [{ id: 'b' }],
      },
    ]);
  });

  it('asks once for what is asked again with the same key, and refuses the key for something else', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const key = { 'idempotency-key': 'one', traceparent };
    const [first, second] = [await ask({ source: 'shop' }, key), await ask({ source: 'shop' }, key)];
    expect(second.json()).toEqual(first.json());
    expect(w.plans).toHaveLength(1);
    expect((await ask({ source: 'bare' }, key)).json()).toMatchObject({ status: 422, code: 'key_reused' });
  });

  it('asks for the very drill that was planned, where Redis went away between its plan and its queue', async () => {
    const key = { 'idempotency-key': 'one' };
    w.given.queue = false;
    expect((await ask({ source: 'shop', pool: 'eu' }, key)).json()).toMatchObject({ status: 503 });
    w.given.queue = true;
    const { id } = (await ask({ source: 'shop', pool: 'eu' }, key)).json<{ id: string }>();
    expect(w.plans.map(({ drill_id }) => drill_id)).toEqual([id]);
    expect([...w.given.stored.keys()]).toEqual([expect.stringContaining(id)]);
  });

  it('asks for a token where only the head of an answer is wanted, too', async () => {
    expect((await server.inject({ method: 'HEAD', url: '/api/v1/drills' })).statusCode).toBe(401);
    expect((await server.inject({ method: 'HEAD', url: '/healthz' })).statusCode).toBe(200);
  });

  it.each<[object, number, string]>([
    [{}, 400, 'invalid_request'],
    [{ source: 'shop', extra: 1 }, 400, 'invalid_request'],
    [{ source: 'none' }, 400, 'unknown_source'],
    [{ source: 'shop', checks: ['none'] }, 400, 'unknown_check'],
    [{ source: 'shop', pool: 'none' }, 400, 'unknown_pool'],
    [{ source: 'bare', checks: ['a'] }, 400, 'unknown_check'],
    [{ source: 'shop', restore_point: { id: '\ud800' } }, 400, 'invalid_request'],
    [{ source: 'shop', restore_point: { random: { days: 0 } } }, 400, 'invalid_request'],
    [{ source: 'shop', restore_point: { time: 'noon' } }, 400, 'invalid_request'],
    [{ source: 'shop', restore_point: { time: '9999-01-01T00:00:00Z' } }, 400, 'invalid_request'],
    [{ source: 'x'.repeat(300_000) }, 413, 'too_large'],
  ])('refuses what is no request for a drill (%#)', async (body, status, code) => {
    const answer = await ask(body);
    expect(answer.json()).toMatchObject({ status, code, type: `urn:muster:problem:${code}` });
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.statusCode).toBe(status);
    expect(w.plans).toEqual([]);
  });

  it('says which checks are unknown, and which there are', async () => {
    const said = async (body: object) => (await ask(body)).json().detail;
    expect(await said({ source: 'shop', checks: ['a', 'none', 'x y'] })).toBe(
      'The source "shop" has no check "none", "x y": there are a, b.',
    );
    expect(await said({ source: 'bare', checks: ['a'] })).toContain('has no check "a": it asks none.');
  });

  it('warns where no worker serves the pool of a drill, which waits then', async () => {
    const said = async (pool: string) => (await ask({ source: 'shop', pool })).json().warning;
    expect(await said('eu')).toBeUndefined();
    w.given.workers = [{ ...worker('eu'), state: 'draining' }, worker('default')];
    expect(await said('eu')).toBe('No worker serves the pool eu now: the drill waits for one.');
    expect(await said('default')).toBeUndefined();
    expect(w.plans).toHaveLength(3);
  });

  it('says of a drill without a receipt where it is, and not that there is none', async () => {
    w.given.workers = [];
    const { id } = (await ask({ source: 'shop' })).json<{ id: string }>();
    expect((await get(`/api/v1/drills/${id}/receipt`)).json()).toMatchObject({
      status: 404,
      code: 'no_receipt_yet',
      detail: expect.stringContaining('waits for a worker of the pool default (none serves it now)'),
    });
    expect((await get(`/api/v1/drills/${ID}/receipt`)).json()).toMatchObject({ code: 'drill_not_found' });
  });

  it('pages through what there is, each once', async () => {
    const all = [w.end(), w.end(), w.end()].toSorted().toReversed();
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = (await get(`/api/v1/drills?limit=2${cursor}`)).json();
      seen.push(...page.drills.map(({ id }: { id: string }) => id));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(seen).toEqual(all);
  });

  it('tells what a receipt says, and gives its very bytes', async () => {
    const id = w.end();
    expect((await get(`/api/v1/drills/${id}`)).json()).toMatchObject({
      id,
      state: 'ended',
      result: 'error',
      reason: 'lost',
      duration_ms: 5_000,
      statement: { drill_id: id },
    });
    const receipt = await get(`/api/v1/drills/${id}/receipt`);
    expect(receipt.body).toBe(RECEIPT);
    expect(receipt.headers['content-type']).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
  });

  it('does not give what came in the place of a receipt', async () => {
    const id = w.end();
    w.given.stored.set('k', `${RECEIPT} `);
    const answer = await get(`/api/v1/drills/${id}/receipt`);
    expect(answer.json()).toMatchObject({ status: 500, code: 'evidence_malformed' });
    expect(answer.body).not.toContain('bytes');
  });

  it('tells of a drill under way what it waits for, and who asked', async () => {
    w.given.workers = [];
    const { id } = (await ask({ source: 'shop' })).json<{ id: string }>();
    const waiting = { id, state: 'waiting', waits_for: 'a worker of the pool default (none serves it now)' };
    expect((await get(`/api/v1/drills/${id}`)).json()).toMatchObject({
      trigger: { kind: 'api', requested_by: 'operator' },
    });
    expect((await get(`/api/v1/drills/${id}`)).json()).toMatchObject(waiting);
    expect((await get('/api/v1/drills')).json()).toMatchObject({ drills: [], open: [waiting] });
    expect((await get('/api/v1/sources/shop')).json()).toMatchObject({ open: [waiting], trend: [] });
  });

  it('says before a drill what a worker sees that is asked to look, and asks none again in vain', async () => {
    const url = '/api/v1/sources/shop/preflight';
    const { unknown: _, ...look } = LOOK;
    expect((await get(url)).json()).toMatchObject({
      source: 'shop',
      outlook: 'run',
      look,
      fleet: { pool: 'default' },
    });
    expect(w.asked).toMatchObject([
      { source: 'shop', plan: { trigger: { kind: 'api', requested_by: 'viewer' } } },
    ]);
    expect((await get(`${url}?schedule=default`)).json()).toMatchObject({
      schedule: 'default',
      outlook: 'run',
    });
    w.given.look = { ...LOOK, outcome: 'fail', reason: 'no_backup' };
    expect((await get(url)).json()).toMatchObject({
      outlook: 'fail',
      reason: 'no_backup',
      why: expect.any(String),
    });
    expect(w.asked).toHaveLength(1);
    w.given.look = LOOK;
    w.given.held = true;
    expect((await get(url)).json()).toMatchObject({
      outlook: 'wait',
      why: expect.stringContaining('is paused'),
    });
    expect(w.plans).toEqual([]);
  });

  it('says before a drill that nobody can look, or nobody has by now', async () => {
    const url = '/api/v1/sources/bare/preflight';
    vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] });
    w.given.look = undefined;
    const answer = get(url);
    await vi.advanceTimersByTimeAsync(9_000);
    expect((await answer).json()).toMatchObject({
      outlook: 'unknown',
      unknown: [{ what: 'backup', why: expect.stringContaining('has not answered yet') }],
    });
    vi.useRealTimers();
    w.asked.splice(0);
    w.given.workers = [];
    expect((await get(url)).json()).toMatchObject({
      outlook: 'wait',
      why: expect.stringContaining('none serves it now'),
      unknown: [{ what: 'backup', why: expect.stringContaining('none serves the pool eu now') }],
    });
    expect(w.asked).toEqual([]);
  });

  it('lists the backups of a source as a worker sees them, page by page, with their last drills', async () => {
    const end = w.end();
    const [drill] = await w.ports.index.list({ limit: 1 }, AbortSignal.timeout(1_000));
    if (drill === undefined) throw new Error('there is a drill');
    const { statement } = drill;
    vi.spyOn(w.ports.index, 'list').mockResolvedValue([
      {
        ...drill,
        statement: { ...statement, predicate: { ...statement.predicate, backup: { id: 'b', location: '' } } },
      },
    ]);
    const page = async (query: string) => (await get(`/api/v1/backups?source=shop&limit=2${query}`)).json();
    const first = await page('');
    expect(first).toMatchObject({
      source: 'shop',
      type: 'dump',
      count: 3,
      backups: [{ id: 'c' }, { id: 'b', last_drill: { id: end, result: 'error', reason: 'lost' } }],
    });
    // One more comes before the next page is asked for.
    w.given.catalogue = { ...CATALOGUE, backups: [entry('d', 23), ...CATALOGUE.backups] };
    const second = await page(`&cursor=${encodeURIComponent(first.next_cursor)}`);
    expect(second.backups.map(({ id }: { id: string }) => id)).toEqual(['a']);
    expect(second).not.toHaveProperty('next_cursor');
    expect(w.wanted).toEqual(['shop']);
  });

  it('says of backups that nobody can list them, why a worker could not, or that none has by now', async () => {
    const url = '/api/v1/backups?source=bare';
    w.given.catalogue = { ...CATALOGUE, backups: [], count: 0, reason: 'credentials_refused' };
    const refused = (await get(url)).json();
    expect(refused).toMatchObject({
      reason: 'credentials_refused',
      unknown: expect.stringContaining('refused the credentials'),
    });
    expect(refused).not.toHaveProperty('backups');
    vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] });
    w.given.catalogue = undefined;
    const answer = get(url);
    await vi.advanceTimersByTimeAsync(9_000);
    expect((await answer).json()).toEqual({
      ...{ source: 'bare', type: 'dump' },
      unknown: expect.stringContaining('has not answered yet'),
    });
    vi.useRealTimers();
    w.given.workers = [];
    expect((await get(url)).json()).toMatchObject({
      unknown: expect.stringContaining('none serves the pool eu now'),
    });
  });

  it.each([
    ['?source=none', 404, 'unknown_source'],
    ['', 400, 'invalid_request'],
    ['?source=shop&limit=0', 400, 'invalid_request'],
  ])('lists no backups of what is no source: %s', async (query, status, code) => {
    const answer = await get(`/api/v1/backups${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(w.wanted).toEqual([]);
  });

  it.each([
    ['none', '', 404, 'unknown_source'],
    ['shop', '?schedule=none', 400, 'unknown_schedule'],
    ['shop', '?schedule=', 400, 'invalid_request'],
  ])('looks at no source that is not there: %s%s', async (slug, query, status, code) => {
    const answer = await get(`/api/v1/sources/${slug}/preflight${query}`);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
    expect(w.asked).toEqual([]);
  });

  it('says of no try that it is lost while it runs', async () => {
    const { id } = (await ask({ source: 'shop' })).json<{ id: string }>();
    const [first, second] = ['2026-11-21T02:58:00.000Z', '2026-11-21T02:59:00.000Z'].map((started_at) => ({
      worker: 'w',
      started_at,
      outcome: 'lost' as const,
    }));
    if (first === undefined || second === undefined) throw new Error('two tries');
    vi.spyOn(w.ports.states, 'attempts').mockResolvedValue([first, second]);
    const tries = async () => (await get(`/api/v1/drills/${id}`)).json<{ attempts: unknown }>().attempts;
    expect(await tries()).toEqual([first, second]);
    const found = await w.ports.drills.find(id);
    vi.spyOn(w.ports.drills, 'find').mockResolvedValue(found && { ...found, state: 'active' });
    const { outcome: _, ...running } = second;
    expect(await tries()).toEqual([first, running]);
  });

  it.each([
    ['storing', { waits_for: 'the sink' }, 'waits for the sink'],
    ['refused', { why: 'it is forged' }, 'is in quarantine'],
  ] as const)(
    'tells of a drill that has ended, and whose receipt is not stored: %s',
    async (set, more, why) => {
      w.given[set].add(ID);
      const known = { id: ID, state: set === 'storing' ? set : 'quarantined', source: 'shop', ...more };
      expect((await get(`/api/v1/drills/${ID}`)).json()).toMatchObject(known);
      expect((await get('/api/v1/drills')).json()).toMatchObject({ drills: [], open: [known] });
      const url = `/api/v1/drills/${ID}/cancel`;
      const cancelled = await server.inject({ method: 'POST', url, headers: bearer('operator') });
      expect(cancelled.json()).toMatchObject({ status: 409, detail: expect.stringContaining(why) });
    },
  );

  it('tells what the first receipt of a drill says, also where another went to quarantine', async () => {
    const id = w.end();
    w.given.refused.add(id);
    expect((await get(`/api/v1/drills/${id}`)).json()).toMatchObject({ id, state: 'ended' });
    expect((await get('/api/v1/drills?limit=1')).json()).toMatchObject({ drills: [{ id }], open: [] });
  });

  it('says when a source is due next, and nothing of what its checks ask', async () => {
    const answer = await get('/api/v1/sources');
    expect(answer.json().sources).toMatchObject([
      { slug: 'bare', checks: [], schedules: [] },
      { slug: 'shop', checks: ['a', 'b'], schedules: [{ next: '2026-11-21T04:00:00.000Z' }] },
    ]);
    expect(answer.body).not.toContain('planted');
  });

  it('says which of its dependencies is away, and keeps what else they said to itself', async () => {
    expect((await server.inject('/readyz')).json()).toMatchObject({ ready: true });
    w.given.redis = false;
    const answer = await server.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      ready: false,
      redis: { ok: false, why: 'internal' },
      index: { ok: true },
    });
    const failed = await get('/api/v1/workers');
    expect(failed.json()).toEqual({
      type: 'urn:muster:problem:internal',
      title: 'internal',
      status: 500,
      detail: 'Muster itself failed; its log says more.',
      code: 'internal',
    });
  });

  it('says that sinks cannot keep the receipts that they take, and what they meet', async () => {
    w.given.trouble = 'evidence_unwritable';
    const answer = await server.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ ready: false, sink: { ok: false, why: 'evidence_unwritable' } });
  });

  it('is not ready where no producer or no sink runs, names which, and is healthy', async () => {
    w.given.services = { producer: 0, sink: 0 };
    const answer = await server.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    const none = { ok: false, why: 'none runs' };
    expect(answer.json()).toMatchObject({ ready: false, redis: { ok: true }, producer: none, sink: none });
    expect((await server.inject('/healthz')).statusCode).toBe(200);
    w.given.storing.add(ID);
    expect((await get(`/api/v1/drills/${ID}`)).json()).toMatchObject({
      waits_for: 'the sink (no sink runs)',
    });
    expect((await get('/api/v1/drills')).json()).toMatchObject({
      open: [{ waits_for: 'the sink (no sink runs)' }],
    });
  });

  it('says within about 2 s that it is not ready, where a dependency never answers', async () => {
    vi.spyOn(w.ports.registry, 'list').mockReturnValue(new Promise(() => {}));
    const began = performance.now();
    const answer = await server.inject('/readyz');
    expect(performance.now() - began).toBeLessThan(3_500);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ redis: { ok: false, why: 'timed_out' }, index: { ok: true } });
  });

  it('asks its dependencies once for all who want to know at the same time', async () => {
    const answer = Promise.withResolvers<readonly []>();
    const asked = vi.spyOn(w.ports.registry, 'list').mockReturnValue(answer.promise);
    const answers = Array.from({ length: 50 }, () => server.inject('/readyz'));
    await server.inject('/healthz');
    answer.resolve([]);
    for (const { statusCode } of await Promise.all(answers)) expect(statusCode).toBe(200);
    expect(asked).toHaveBeenCalledTimes(1);
    await server.inject('/readyz');
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('knows neither paths nor ids that are none', async () => {
    expect((await get('/api/v1/nothing')).json()).toMatchObject({ status: 404, code: 'no_such_route' });
    for (const path of ['/api/v1/drills/..%2f..%2fx', '/api/v1/drills/%zz', '/%zz']) {
      const answer = await get(path);
      expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_request' });
      expect(answer.headers['content-type']).toContain('application/problem+json');
    }
    expect((await get(`/api/v1/drills/${'x'.repeat(300)}`)).json()).toMatchObject({
      status: 414,
      code: 'too_large',
    });
    expect((await get(`/api/v1/drills/${ID}`)).json()).toMatchObject({
      status: 404,
      code: 'drill_not_found',
    });
  });
});
