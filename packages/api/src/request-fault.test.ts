import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api.js';
import { boardWorld } from './board/board-world.fixture.js';
import { bearer, tokens } from './role-tokens.fixture.js';
import { buildServer } from './server.js';

const DRILLS = '/api/v1/drills';
const POST = { method: 'POST', url: DRILLS, headers: bearer('operator') } as const;

describe('a refusal', () => {
  let server: ApiServer;
  beforeEach(async () => {
    server = await buildServer(boardWorld().ports, { tokens: () => tokens, version: '0' });
    return () => server.close();
  });

  it.each([
    ['no token', {}, 'unauthorized', 'Bearer', 'Authorization: Bearer'],
    ['no token but a password', { authorization: 'Basic eDp5' }, 'unauthorized', 'Bearer', 'none came'],
    [
      'an unknown one',
      bearer('nobody'),
      'unknown_token',
      'Bearer error="invalid_token"',
      'muster token generate',
    ],
  ])('for %s says what to do about it', async (_, headers, code, challenge, words) => {
    const answer = await server.inject({ url: DRILLS, headers });
    expect(answer.json()).toMatchObject({ status: 401, code, detail: expect.stringContaining(words) });
    expect(answer.headers['www-authenticate']).toBe(challenge);
  });

  it.each<[unknown, string]>([
    [{}, 'In the body: source is missing.'],
    [[], 'In the body: expected an object.'],
    [{ source: 7 }, 'In the body: source: expected text.'],
    [
      { source: 'Shop!' },
      'In the body: source: expected lower-case letters, digits and hyphens, 100 at most.',
    ],
    [{ source: 'shop', checks: [] }, 'In the body: checks: expected 1 entry at least.'],
    [{ source: 'shop', checks: [1] }, 'In the body: checks.0: expected text.'],
    [
      { source: 'shop', restore_point: 'newest' },
      'In the body: restore_point: expected latest, oldest, random, {"id": …} with the id of a backup, 1,000 characters at most, {"random": {"days": 14}}, or {"time": …}; of pgBackRest also {"xid": …}, {"name": …} or {"lsn": …}.',
    ],
    [
      { source: 'shop', sauce: 1, 'a b': 2 },
      'In the body: sauce, (unprintable) are not known (there are source, restore_point, checks, pool).',
    ],
    [
      { checks: 'a', pool: 1 },
      'In the body: source is missing; checks: expected a list; pool: expected text.',
    ],
  ])('names the field of a body that is wrong: %j', async (payload, detail) => {
    const answer = await server.inject({ ...POST, payload: payload as object });
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_request', detail });
  });

  it.each([
    [`${DRILLS}?limit=many`, 'In the query: limit: expected a number.'],
    [
      `${DRILLS}?limit=0&since=now`,
      'In the query: since: expected a time in UTC, such as 2026-11-20T03:00:00Z; limit: expected 1 at least.',
    ],
    [`${DRILLS}?result=good`, 'In the query: result: expected pass or fail or error.'],
    [`${DRILLS}?page=2`, 'In the query: page is not known (there are source, result, since, cursor, limit).'],
    [`${DRILLS}/4711`, 'In the path: id: expected the id of a drill: drl_ and 26 characters.'],
    ['/api/v1/sources/A', 'In the path: slug: expected lower-case letters, digits and hyphens, 100 at most.'],
    ['/%zz', 'The path has a % that does not encode a character.'],
  ])('names the part of an address that is wrong: %s', async (url, detail) => {
    const answer = await server.inject({ url, headers: bearer('viewer') });
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_request', detail });
  });

  it.each([
    ['text/plain', 'x', 415, 'Content-Type: application/json'],
    ['application/x-www-form-urlencoded', 'source=shop', 415, 'Content-Type: application/json'],
    ['application/json', '{', 400, 'The body is not JSON.'],
    ['application/json', '', 400, 'There is no body'],
  ])('of a body of %s that is %j says which is wanted', async (type, payload, status, words) => {
    const headers = { ...POST.headers, 'content-type': type };
    const { detail, ...problem } = (await server.inject({ ...POST, headers, payload })).json();
    expect(problem).toMatchObject({ status });
    expect(detail).toContain(words);
  });
});
