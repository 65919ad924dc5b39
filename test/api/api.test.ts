import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeToken } from '@muster/api';
import { newDrillId, type Preflight, type SourceKind } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, apiTokens, eventsOf } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { KINDS } from '../support/kinds.ts';
import { canRunIn, canRunMongo } from '../support/needs.ts';
import type { TestChecks } from '../support/source-text.ts';

/** Slow enough to be followed while it is asked. */
const checksOf = (kind: SourceKind): TestChecks => ({
  [kind]: [KINDS[kind].count({ takesMs: 1_000, text: 'PLANTED-check' }), 'n == 1'],
});
/** A source of each kind, in one fleet. */
const SOURCES: readonly (readonly [slug: string, kind: SourceKind])[] = [
  ['shop', 'postgres'],
  ...(canRunIn('docker') && canRunMongo('docker') ? [['documents', 'mongodb'] as const] : []),
];

describe.runIf(canRunIn('docker'))('the API of a fleet', () => {
  const { tokenOf, config } = apiTokens();
  let fleet: Fleet;
  let api: Service;
  let worker: Service;
  let running: readonly Service[];
  beforeAll(async () => {
    const others = Object.fromEntries(
      SOURCES.slice(1).map(([slug, kind]) => [
        slug,
        {
          kind,
          checks: checksOf(kind),
          source: ['summaries: none', `backup: { type: dump, location: ${slug} }`],
        },
      ]),
    );
    fleet = await startFleet({ config, source: ['summaries: none'], checks: checksOf('postgres'), others });
    await KINDS.postgres.dump(fleet.dumps);
    for (const [slug, kind] of SOURCES.slice(1)) {
      await mkdir(join(fleet.folder, slug));
      await KINDS[kind].dump(join(fleet.folder, slug));
    }
    const services = ['producer', 'sink', 'worker', 'api'] as const;
    running = await Promise.all(services.map((service) => fleet.start(service)));
    [worker, api] = running.slice(2) as [Service, Service];
  });
  afterAll(() => fleet?.close());

  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${addressOf(api)}${path}`, {
      signal: AbortSignal.timeout(60_000),
      ...init,
      headers: { authorization: `Bearer ${tokenOf('operator')}`, ...init.headers },
    });
  const post = (path: string, body?: object, headers: Record<string, string> = {}) =>
    call(path, {
      method: 'POST',
      ...(body && { body: JSON.stringify(body) }),
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    });
  const ask = async (headers: Record<string, string> = {}, source = 'shop'): Promise<string> => {
    const answer = await post('/api/v1/drills', { source }, headers);
    expect(answer.status).toBe(202);
    return ((await answer.json()) as { id: string }).id;
  };

  it.each(SOURCES)(
    'asks for a drill of %s (%s), follows it over a broken stream, and gives the receipt that is stored',
    async (source, kind) => {
      const id = await ask({}, source);
      const path = `/api/v1/drills/${id}/events`;
      const first: string[] = [];
      let last = '';
      for await (const event of eventsOf(await call(path))) {
        first.push(event.event);
        last = event.id;
        if (event.event === 'check-started') break;
      }
      const rest: string[] = [];
      const resumed = await call(path, { headers: { 'last-event-id': last } });
      for await (const { event } of eventsOf(resumed)) rest.push(event);
      expect(first.slice(0, 2)).toEqual(['queued', 'attempt']);
      expect(rest[0]).toBe('check-ended');
      expect(rest.at(-1)).toBe('stored');
      expect(rest.filter((event) => event === 'check-started')).toEqual([]);

      const receipt = join(fleet.folder, 'receipt.json');
      await writeFile(
        receipt,
        new Uint8Array(await (await call(`/api/v1/drills/${id}/receipt`)).arrayBuffer()),
      );
      expect(await fleet.muster('verify', receipt, '--keyring', 'keys')).toMatchObject({ exitCode: 0 });
      expect(await (await call(`/api/v1/drills/${id}`)).json()).toMatchObject({
        source,
        state: 'ended',
        result: 'pass',
      });
      expect(await (await call(`/api/v1/sources/${source}`)).json()).toMatchObject({
        slug: source,
        kind,
        checks: [kind],
        last: { id, result: 'pass' },
      });
      const replayed = await Array.fromAsync(eventsOf(await call(path)));
      expect(replayed.map(({ event }) => event)).toEqual([...first, ...rest]);
    },
  );

  it('asks once for what comes twice with one key, also at once', async () => {
    const before = (await fleet.receipts()).length;
    const ids = await Promise.all(Array.from({ length: 8 }, () => ask({ 'idempotency-key': 'same' })));
    expect(new Set(ids).size).toBe(1);
    await fleet.receipt(ids[0] ?? '');
    expect(await ask({ 'idempotency-key': 'same' })).toBe(ids[0]);
    expect(await fleet.receipts()).toHaveLength(before + 1);
  });

  it('cancels a drill that runs', async () => {
    const id = await ask();
    await fleet.heard(id, (event) => event.type === 'phase-started' && event.phase === 'check');
    expect(await (await post(`/api/v1/drills/${id}/cancel`)).json()).toEqual({ id, outcome: 'stopping' });
    expect(await fleet.receipt(id)).toMatchObject({ result: 'error', reason: 'cancelled' });
    expect((await post(`/api/v1/drills/${id}/cancel`)).status).toBe(409);
  });

  it('tells who works, who asked, and nothing of what checks ask', async () => {
    const names = ['drills', 'sources', 'workers', 'keys', ...SOURCES.map(([slug]) => `sources/${slug}`)];
    const paths = names.map((path) => `/api/v1/${path}`);
    // What its host has, a worker says some seconds after the first configuration is in force.
    const withCapacity = async () => (await (await call('/api/v1/workers')).text()).includes('memory_bytes');
    await eventually('its capacity is known', withCapacity);
    const answers = await Promise.all(paths.map(async (path) => (await call(path)).text()));
    expect(JSON.parse(answers[2] ?? '')).toMatchObject({
      workers: [{ pool: 'default', state: 'ready', capacity: { memory_bytes: expect.any(Number) } }],
    });
    expect(answers.join('\n')).not.toContain('PLANTED');
    expect((await fleet.receipts())[0]?.trigger).toMatchObject({ kind: 'api', requested_by: 'operator' });
  });

  it.each(SOURCES)(
    'says before a drill of %s (%s) what a worker sees, and doctor the same',
    async (source) => {
      let told: Preflight | undefined;
      const seen = async () => {
        told = (await (await call(`/api/v1/sources/${source}/preflight`)).json()) as Preflight;
        return told.look !== undefined;
      };
      await eventually('a worker has looked', seen);
      const predicate = await fleet.receipt(await ask({}, source));
      const { id, format, size_bytes } = predicate.backup ?? {};
      const { image, image_digest, engine_version: engine } = predicate.environment;
      expect(told).toMatchObject({
        outlook: 'run',
        look: {
          backup: { id, format, size_bytes },
          scratch: { image, image_digest, engine, image_here: true },
        },
        fleet: { pool: 'default', workers: [{ state: 'ready' }] },
      });
      const doctor = await fleet.muster('doctor', '--source', source, '--json');
      const [here] = (JSON.parse(doctor.stdout) as { preflights: readonly Preflight[] }).preflights;
      expect(here?.look?.backup?.id).toBe(id);
      expect(here?.look?.scratch?.image).toBe(image);
      expect(here?.fleet?.workers).toHaveLength(1);
      expect(here?.outlook).toBe('run');
    },
  );

  it.each(SOURCES)(
    'lists the backups of %s (%s) as a worker sees them, with their last drills',
    async (source) => {
      type Told = { readonly backups?: readonly { readonly last_drill?: { readonly id: string } }[] };
      const backups = async () => (await (await call(`/api/v1/backups?source=${source}`)).json()) as Told;
      const drill = await ask({}, source);
      const { result, backup } = await fleet.receipt(drill);
      const drilled = { id: backup?.id, origin: 'other', last_drill: { id: drill, result } };
      await eventually('a worker has looked, and the drill is indexed', async () => {
        const told = await backups();
        return told.backups?.some(({ last_drill: last }) => last?.id === drill) === true;
      });
      const told = await backups();
      expect(told).toMatchObject({ source, type: 'dump', count: 1, backups: [drilled] });
      expect(JSON.stringify(told)).not.toContain('PLANTED');
    },
  );

  it('is ready where a producer and a sink run', async () => {
    const ready = await (await call('/readyz')).json();
    expect(ready).toMatchObject({ ready: true, producer: { ok: true }, sink: { ok: true } });
    const metrics = await (await call('/metrics')).text();
    expect(metrics).toContain('muster_services{service="producer"} 1\n');
    expect(metrics).toContain('muster_services{service="sink"} 1\n');
  });

  it('says within seconds that Redis is away, and is there again when Redis is', async () => {
    await fleet.redis.stop();
    const answer = await post('/api/v1/drills', { source: 'shop' });
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'redis_unavailable' }]);
    const ready = await call('/readyz');
    expect([ready.status, await ready.json()]).toMatchObject([503, { ready: false, redis: { ok: false } }]);
    const began = performance.now();
    expect(await (await call('/metrics')).text()).toContain('muster_up{dependency="redis"} 0\n');
    expect(performance.now() - began).toBeLessThan(5_000);
    await fleet.redis.start();
    expect(await fleet.receipt(await ask())).toMatchObject({ result: 'pass' });
    for (const { log } of running)
      expect(log.filter((line) => line.includes('Redis answers again'))).toHaveLength(1);
  });

  it('says within seconds that the index hangs, and answers what does not need it', async () => {
    // One connection is open, and is the first to be asked.
    expect((await call('/api/v1/drills')).status).toBe(200);
    const everyone = await processesOf(join(fleet.indexServer.dir, 'data'));
    for (const pid of everyone) process.kill(pid, 'SIGSTOP');
    try {
      const limited = () => ({ signal: AbortSignal.timeout(10_500) });
      const paths = ['drills?result=pass', 'drills', `drills/${newDrillId(new Date())}`, 'sources/shop'];
      const asked = paths.map(async (path) => {
        const answer = await call(`/api/v1/${path}`, limited());
        return [answer.status, await answer.text()] as const;
      });
      for (const [status, text] of await Promise.all(asked)) {
        expect(status).toBe(503);
        expect(text).not.toContain(fleet.indexServer.dir);
      }
      expect(await (await call('/readyz')).json()).toMatchObject({
        index: { ok: false },
        redis: { ok: true },
      });
      expect((await call('/api/v1/sources')).status).toBe(200);
      const began = performance.now();
      const metrics = await call('/metrics', limited());
      expect(metrics.status).toBe(200);
      const text = await metrics.text();
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(text).toContain('muster_up{dependency="index"} 0\n');
      expect(text).toContain('muster_up{dependency="redis"} 1\n');
    } finally {
      for (const pid of everyone) process.kill(pid, 'SIGCONT');
    }
    const isBack = async () => (await call('/api/v1/drills')).status === 200;
    await eventually('the index answers again', isBack, 60_000);
  });

  it('takes the tokens of its file when it is told to, and keeps those it has where the file has a fault', async () => {
    const file = join(fleet.folder, 'muster.yaml');
    const before = await readFile(file, 'utf8');
    const fresh = makeToken();
    const asFresh = async () =>
      (await call('/api/v1/workers', { headers: { authorization: `Bearer ${fresh.token}` } })).status;
    await writeFile(file, before.replace('tokens: [', 'tokens: [ nonsense, '));
    await api.signal('SIGHUP');
    await eventually('it says so', () => api.log.some((line) => line.includes('were not read again')));
    expect(api.log.join('\n')).toMatch(/muster\.yaml:\d+:\d+ /);
    expect((await call('/api/v1/workers')).status).toBe(200);
    const own = `{ name: fresh, role: viewer, sha256: ${fresh.sha256} }`;
    await writeFile(file, before.replace('tokens: [', `tokens: [${own}, `));
    expect(await asFresh()).toBe(401);
    await api.signal('SIGHUP');
    await eventually('the new token counts', async () => (await asFresh()) === 200);
    await writeFile(file, before);
    await api.signal('SIGHUP');
    await eventually('it counts no more', async () => (await asFresh()) === 401);
  });

  it('ends with its streams when it is told to', async () => {
    await worker.signal('SIGTERM');
    const stream = await call(`/api/v1/drills/${await ask()}/events`);
    const ended = Array.fromAsync(eventsOf(stream)).catch(() => []);
    await api.signal('SIGTERM');
    expect(await api.ended).toBe(0);
    await ended;
  });
});

/** The processes of the PostgreSQL of a data directory. */
async function processesOf(data: string): Promise<readonly number[]> {
  const [postmaster = ''] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
  return [postmaster, ...children.trim().split(' ')].map(Number);
}
