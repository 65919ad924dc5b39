import { appRoutes } from '@bull-board/api/dist/routes.js';
import { ROLES } from '@muster/core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from '../api.js';
import { bearer, secrets, tokens } from '../role-tokens.fixture.js';
import { boardWorld, plan } from './board-world.fixture.js';

const JOB = plan.drill_id;
const ORIGIN = { host: 'muster.test', origin: 'http://muster.test' };

/** What an admin's request does; all others of Bull Board's own routes are refused. */
const ACTS: Readonly<Record<string, string>> = {
  'PUT /api/queues/:queueName/pause': 'drills: pause',
  'PUT /api/queues/:queueName/promote': 'drills: promote all',
  'PUT /api/queues/:queueName/resume': 'drills: resume',
  'PUT /api/queues/:queueName/retry/:queueStatus': `drills: retry ${JOB}`,
  'PUT /api/queues/:queueName/:jobId/promote': `drills: promote ${JOB}`,
  'PUT /api/queues/:queueName/:jobId/retry': `drills: retry ${JOB}`,
  'PUT /api/queues/pause': 'drills: pause',
  // Nothing is paused.
  'PUT /api/queues/resume': '',
};
const LOOKS = [
  'GET /api/job-schedulers',
  'GET /api/queues',
  'GET /api/queues/:queueName/:jobId',
  'GET /api/queues/:queueName/:jobId/flow',
  'GET /api/queues/:queueName/:jobId/logs',
  'GET /api/queues/:queueName/default-job-options',
];
const API = appRoutes.api.map(({ method, route }) => [`${method}`.toUpperCase(), `${route}`] as const);
const PAGES = ['', '/', '/metrics-history', '/job-schedulers', '/queue/drills', `/queue/drills/${JOB}`];

describe('the board', () => {
  let w: ReturnType<typeof boardWorld>;
  let server: ApiServer;
  beforeEach(async () => {
    w = boardWorld();
    w.addQueue('drills', 'drills', [{ id: JOB, data: { plan } }]);
    w.addQueue('receipts', 'receipts', [{ id: JOB, data: {} }]);
    server = await w.serve();
    return () => server.close();
  });

  const call = (method: string, path: string, headers: Record<string, string> = {}, on = server) =>
    on.inject({ method: method as 'GET', url: `/queues${path}`, headers });
  const addressed = (route: string, queue = 'drills'): string =>
    route.replace(':queueName', queue).replace(':jobId', JOB).replace(':queueStatus', 'failed');
  const signIn = async (role = 'admin', headers: Record<string, string> = {}, on = server) => {
    const answer = await on.inject({
      method: 'POST',
      url: '/queues/login',
      payload: `token=${secrets[role]?.token ?? 'wrong'}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...ORIGIN, ...headers },
    });
    const [cookie] = answer.cookies;
    return { answer, cookie, headers: { cookie: `${cookie?.name}=${cookie?.value}` } };
  };

  it.each(API)('%s %s is for those who may, and for nobody else', async (method, route) => {
    const named = `${method} ${route}`;
    const at = addressed(route);
    expect((await call(method, at)).statusCode).toBe(401);
    expect((await call(method, at, bearer('nobody'))).statusCode).toBe(401);
    for (const role of ROLES) {
      const { statusCode } = await call(method, at, bearer(role));
      const may = LOOKS.includes(named) || (named in ACTS && role === 'admin');
      expect([role, statusCode]).toEqual([role, may ? expect.toBeOneOf([200, 204]) : 403]);
    }
    expect(w.done).toEqual([ACTS[named] ?? ''].filter((act) => act !== ''));
  });

  it('knows all that is on among the routes of Bull Board', () => {
    const all = API.map(([method, route]) => `${method} ${route}`);
    expect(all).toEqual(expect.arrayContaining([...LOOKS, ...Object.keys(ACTS)]));
  });

  const ONE_QUEUE = Object.keys(ACTS).filter((named) => named.includes(':queueName'));
  it.each(ONE_QUEUE)('%s is not for receipts, whoever asks', async (named) => {
    const [method = '', route = ''] = named.split(' ');
    expect((await call(method, addressed(route, 'receipts'), bearer('admin'))).statusCode).toBe(405);
    expect(w.done).toEqual([]);
  });

  it.each(PAGES)('sends whoever asks for the page %s without a token to sign in', async (path) => {
    const { statusCode, headers } = await call('GET', path);
    expect([statusCode, headers['location']]).toEqual([302, '/queues/login']);
    expect((await call('GET', path, bearer('viewer'))).statusCode).toBe(200);
  });

  it.each(['/static/images/logo.svg', '/muster.css', '/muster.js'])(
    'gives %s to those with a token alone',
    async (path) => {
      expect((await call('GET', path)).statusCode).toBe(401);
      expect((await call('HEAD', path)).statusCode).toBe(401);
      expect((await call('GET', path, bearer('viewer'))).statusCode).toBe(200);
    },
  );

  it('loads nothing of another host, and lets the browser load nothing', async () => {
    for (const path of [...PAGES, '/login']) {
      const { body, headers } = await call('GET', path, bearer('viewer'));
      expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self';");
    }
  });

  it('takes a token for a session, in a cookie that is not the token', async () => {
    const { answer, cookie, headers } = await signIn('viewer');
    expect([answer.statusCode, answer.headers['location']]).toEqual([303, '/queues/']);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/queues', maxAge: 43_200 });
    expect(cookie).not.toHaveProperty('secure');
    expect(answer.headers['set-cookie']).not.toContain(secrets['viewer']?.token);
    expect([...w.kept].flat().join()).not.toContain(secrets['viewer']?.sha256);
    expect((await call('GET', '/api/queues', headers)).statusCode).toBe(200);
    expect((await signIn('viewer', { 'x-forwarded-proto': 'https, http' })).cookie).toMatchObject({
      secure: true,
    });
  });

  it('says that a token is not known, and begins no session', async () => {
    for (const [headers, status] of [[{}, 401] as const, [{ 'content-type': 'text/plain' }, 415] as const]) {
      const { answer, cookie } = await signIn('nobody', headers);
      expect([answer.statusCode, cookie]).toEqual([status, undefined]);
      expect(answer.headers['content-type']).toContain('text/html');
    }
    expect((await signIn('nobody')).answer.body).toContain('That token is not known.');
    expect((await call('GET', '/api/queues', { cookie: 'muster_board=guessed' })).statusCode).toBe(401);
  });

  it('keeps a session for the board alone', async () => {
    const { headers } = await signIn();
    expect((await server.inject({ url: '/api/v1/workers', headers })).statusCode).toBe(401);
  });

  it('ends a session by signing out', async () => {
    const { headers } = await signIn();
    expect((await call('GET', '/login', headers)).body).toContain('Signed in as admin, admin.');
    expect((await call('POST', '/logout', { ...headers, ...ORIGIN })).headers['location']).toBe(
      '/queues/login',
    );
    expect((await call('GET', '/api/queues', headers)).statusCode).toBe(401);
  });

  it('knows a session that another API began, until its token is configured no more', async () => {
    const { headers } = await signIn();
    const other = await w.serve();
    expect((await call('GET', '/api/queues', headers, other)).statusCode).toBe(200);
    const later = await w.serve(tokens.filter(({ role }) => role !== 'admin'));
    expect((await call('GET', '/api/queues', headers, later)).statusCode).toBe(401);
    await Promise.all([other.close(), later.close()]);
  });

  it.each<[number, Record<string, string>]>([
    [200, ORIGIN],
    [200, { 'sec-fetch-site': 'same-origin' }],
    [403, {}],
    [403, { host: 'muster.test', origin: 'http://muster.test:8080' }],
    [403, { host: 'muster.test', origin: 'null' }],
    [403, { ...ORIGIN, 'sec-fetch-site': 'same-site' }],
    [403, { ...ORIGIN, 'sec-fetch-site': 'cross-site' }],
  ])('answers %s to a write by a cookie from %j', async (status, from) => {
    const { headers } = await signIn();
    expect((await call('PUT', '/api/queues/drills/pause', { ...headers, ...from })).statusCode).toBe(status);
    expect(w.done).toEqual(status === 200 ? ['drills: pause'] : []);
    if (status === 200) return;
    expect((await call('POST', '/logout', { ...headers, ...from })).statusCode).toBe(403);
    expect((await call('GET', '/api/queues', headers)).statusCode).toBe(200);
  });

  it('lets no page of another origin sign in', async () => {
    const { answer, cookie } = await signIn('admin', { origin: 'http://other.test' });
    expect([answer.statusCode, cookie]).toEqual([403, undefined]);
    expect(answer.headers['content-type']).toContain('text/html');
  });

  it('takes 20 tries to sign in within a minute', async () => {
    for (let tried = 0; tried < 20; tried += 1) {
      expect((await signIn('nobody')).answer.statusCode).toBe(401);
    }
    const { answer } = await signIn();
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      429,
      expect.stringContaining('text/html'),
    ]);
  });

  it('logs what was done, and in other words what was refused', async () => {
    const at = `/api/queues/drills/${JOB}/promote`;
    const act = 'PUT /queues/api/queues/:queueName/:jobId/promote';
    const said = { act, queue: 'drills', job: JOB };
    await call('PUT', at, bearer('admin'));
    await call('PUT', at, bearer('viewer'));
    await call('PUT', '/api/queues/receipts/pause', bearer('admin'));
    const address = '127.0.0.1';
    expect(w.log).toEqual([
      ['somebody acted on a queue', { by: 'admin', ...said }],
      ['an act on a queue was refused', { address, by: 'viewer', ...said, status: 403 }],
      [
        'an act on a queue was refused',
        {
          address,
          by: 'admin',
          act: 'PUT /queues/api/queues/:queueName/pause',
          queue: 'receipts',
          status: 405,
        },
      ],
    ]);
  });

  it('logs whose token is not known, and nothing of the token', async () => {
    await signIn('nobody');
    await call('GET', '/', bearer('nobody'));
    await server.inject({ url: '/api/v1/workers', headers: bearer('nobody') });
    // Without any token nobody tried one.
    await call('GET', '/');
    await server.inject({ url: '/api/v1/workers' });
    const address = '127.0.0.1';
    expect(w.log).toEqual([
      ['signing in to the queues with a token that is not known', { address }],
      ['a token that is not known', { address, route: '/queues' }],
      ['a token that is not known', { address, route: '/api/v1/workers' }],
    ]);
  });

  it('has buttons for an admin, and those of drills alone', async () => {
    for (const role of ROLES) {
      const { queues } = (await call('GET', '/api/queues', bearer(role))).json();
      expect(queues).toMatchObject([
        { name: 'drills', readOnlyMode: role !== 'admin', allowRetries: role === 'admin' },
        { name: 'receipts', readOnlyMode: true, allowRetries: false },
      ]);
    }
  });

  it('shows the plan of a drill, and of what is none nothing that it holds', async () => {
    const poison = {
      name: 'PLANTED',
      failedReason: 'no role "PLANTED"',
      stacktrace: ['Error: PLANTED'],
      returnvalue: 'PLANTED',
      progress: { planted: 'PLANTED' },
      processedBy: 'PLANTED',
      deferredFailure: 'PLANTED',
      opts: { attempts: 3, telemetry: { metadata: 'PLANTED' }, PLANTED: 1 },
    };
    w.addQueue('drills-eu', 'drills', [{ id: 'x', data: { plan, secret: 'PLANTED' }, more: poison }]);
    w.addQueue('ticks', 'ticks');
    const template = { data: { source: 'shop', uri: 'PLANTED' }, opts: { PLANTED: 1 } };
    w.given.schedulers = [{ key: 'shop/nightly', name: 'PLANTED', pattern: '0 3 * * *', template }];
    const ask = async (path: string) => (await call('GET', path, bearer('admin'))).json();

    expect((await ask(`/api/queues/drills/${JOB}`)).job).toMatchObject({ name: 'drill', data: { plan } });
    const all = [
      await ask('/api/queues?activeQueue=drills-eu'),
      await ask('/api/queues/drills-eu/x'),
      await ask('/api/job-schedulers?queueName=ticks'),
      await ask('/api/queues/drills-eu/x/logs'),
      await ask('/api/queues/drills-eu/x/flow'),
    ];
    expect(JSON.stringify(all)).not.toContain('PLANTED');
    expect(all[0].queues[2].jobs[0]).toMatchObject({ opts: { attempts: 3 }, isFailed: true });
    expect(all[2].schedulers).toMatchObject([{ id: 'shop/nightly', pattern: '0 3 * * *' }]);
  });

  it('shows a pool that appears later', async () => {
    const names = async () =>
      (await call('GET', '/api/queues', bearer('viewer')))
        .json()
        .queues.map(({ name }: { name: string }) => name);
    expect(await names()).toEqual(['drills', 'receipts']);
    w.addQueue('drills-eu', 'drills');
    expect(await names()).toEqual(['drills', 'receipts', 'drills-eu']);
    expect((await call('PUT', '/api/queues/drills-eu/pause', bearer('admin'))).statusCode).toBe(200);
  });

  it('says that Redis is away, in a page and in an answer', async () => {
    const { headers } = await signIn();
    w.given.redis = false;
    const page = await call('GET', '/', headers);
    expect([page.statusCode, page.headers['content-type'], page.headers['retry-after']]).toEqual([
      503,
      expect.stringContaining('text/html'),
      '5',
    ]);
    expect(page.body).toContain('Redis did not answer:');
    expect(page.body).not.toContain('10.0.0.5');
    expect((await signIn()).answer.statusCode).toBe(503);
    for (const asker of [headers, bearer('viewer')]) {
      const answer = await call('GET', '/api/queues', asker);
      expect(answer.json()).toMatchObject({ status: 503, code: 'redis_unavailable' });
      expect(answer.headers['content-type']).toContain('application/problem+json');
    }
  });

  it('keeps to itself what an error of Bull Board says', async () => {
    w.addQueue('broken', 'drills', [{ id: 'x', data: {} }]);
    const { statusCode, body } = await call('GET', '/api/queues/broken/x', bearer('viewer'));
    expect([statusCode, body]).toEqual([500, expect.not.stringContaining('PLANTED')]);
  });

  it.each([
    ['/api/queues?activeQueue=%25', 400],
    ['/api/queues?jobsPerPage=100000', 400],
    ['/api/queues?jobsPerPage=x', 400],
    ['/api/queues/none/x', 404],
    ['/api/queues/drills/none', 404],
    ['/api/nothing', 404],
  ])('answers what is malformed or not there: %s', async (path, status) => {
    expect((await call('GET', path, bearer('viewer'))).statusCode).toBe(status);
  });
});
