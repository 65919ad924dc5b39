import { afterEach, describe, expect, it, vi } from 'vitest';
import { apiClient } from './api-client.js';

describe('what names an API', () => {
  it.each([
    ['http://user:PLANTED@127.0.0.1:7655', 'mst_x'],
    ['http://PLANTED@127.0.0.1:7655', 'mst_x'],
    ['http://127.0.0.1:7655/?token=PLANTED', 'mst_x'],
    ['http://127.0.0.1:7655/#PLANTED', 'mst_x'],
    ['ftp://PLANTED', 'mst_x'],
    ['PLANTED', 'mst_x'],
    ['http://127.0.0.1:7655', 'PLANTED\r\nX-Other: 1'],
    ['http://127.0.0.1:7655', 'PLANTÉD'],
  ])('is refused where it is %j with the token %j, and not repeated', (url, token) => {
    const make = () => apiClient({ MUSTER_API_URL: url, MUSTER_API_TOKEN: token });
    expect(make).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.not.stringContaining('PLANT') }),
    );
  });

  it.each([
    ['http://127.0.0.1:7655', 'http://127.0.0.1:7655'],
    ['https://muster.test/fleet//', 'https://muster.test/fleet'],
    ['http://@[::1]:7655/', 'http://[::1]:7655'],
  ])('is %s', (url, address) => {
    expect(apiClient({ MUSTER_API_URL: url, MUSTER_API_TOKEN: 'mst_x\n' })?.url).toBe(address);
  });

  it.each(['http://127.0.0.1:7655/api/v1', 'https://muster.test/fleet/api/v1/', 'http://127.0.0.1:7655/api'])(
    'is told to leave the path off where it is %s',
    (url) => {
      expect(() => apiClient({ MUSTER_API_URL: url })).toThrow(
        expect.objectContaining({ code: 'usage', message: expect.stringContaining('leave /api/v1 off') }),
      );
    },
  );

  it('may be nothing', () => {
    expect(apiClient({})).toBeUndefined();
  });
});

describe('a refusal of the API', () => {
  const refused = async (url: string, status: number, problem: object, token?: string): Promise<string> => {
    vi.stubGlobal('fetch', async () => Response.json(problem, { status }));
    const env = { MUSTER_API_URL: url, ...(token && { MUSTER_API_TOKEN: token }) };
    const asked = apiClient(env)?.keys(AbortSignal.timeout(1_000));
    return await Promise.resolve(asked).then(
      () => '',
      (error: Error) => error.message,
    );
  };
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  const unauthorized = { type: 't', title: 't', status: 401, detail: 'd', code: 'unauthorized' };

  it('tells no token from a wrong one', async () => {
    const at = 'http://127.0.0.1:7655';
    expect(await refused(at, 401, unauthorized)).toContain('none is given: put it into MUSTER_API_TOKEN');
    const wrong = await refused(at, 401, unauthorized, 'mst_PLANTED');
    expect(wrong).toMatch(/does not know the token in MUSTER_API_TOKEN: .*muster token generate/);
    expect(wrong).not.toContain('PLANTED');
  });

  it('where a path leads elsewhere says to leave it off', async () => {
    const nowhere = { ...unauthorized, status: 404, code: 'no_such_route' };
    expect(await refused('http://127.0.0.1:7655/docs', 404, nowhere)).toContain('Leave the path off');
    expect(await refused('http://127.0.0.1:7655/x', 404, {})).toContain('Leave the path off');
    expect(await refused('http://127.0.0.1:7655', 404, nowhere)).toContain('of another version');
  });
});
