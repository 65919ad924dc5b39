import { describe, expect, it } from 'vitest';
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

  it('may be nothing', () => {
    expect(apiClient({})).toBeUndefined();
  });
});
