import { describe, expect, it } from 'vitest';
import { serverSettings } from './settings.js';

const MIB = 1024 * 1024;
const settings = (limits = {}, tcp = false) =>
  serverSettings({ major: 17, limits, cpus: 2, socketDir: '/sock', tcp });

describe('the settings of a throwaway server', () => {
  it('listen on no network but for the bridge, and there on loopback', () => {
    expect(settings()['listen_addresses']).toBe('');
    expect(settings({}, true)['listen_addresses']).toBe('127.0.0.1');
  });

  it('keep within the bounds of the scratch', () => {
    const small = settings({ memory_bytes: 256 * MIB, disk_bytes: 512 * MIB });
    expect(small).toMatchObject({ shared_buffers: '32MB', max_wal_size: '128MB' });
    const large = settings({ memory_bytes: 64 * 1024 * MIB, disk_bytes: 1024 * 1024 * MIB });
    expect(large).toMatchObject({ shared_buffers: '1024MB', max_wal_size: '4096MB' });
  });

  it('name nothing that older servers do not know', () => {
    const old = serverSettings({ major: 13, limits: {}, cpus: 2, socketDir: '/sock', tcp: false });
    expect(old).not.toHaveProperty('client_connection_check_interval');
  });
});
