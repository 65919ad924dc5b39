import { describe, expect, it } from 'vitest';
import { serverArguments } from './settings.js';

const MIB = 1024 * 1024;
const settings = (major = 8, limits = {}) => {
  const args = serverArguments({ major, limits, dataDir: '/data/db', socketDir: '/sock' });
  return args.join(' ');
};

describe('the arguments of a throwaway mongod', () => {
  it('listen on the socket and on loopback', () => {
    expect(settings()).toContain('--bind_ip 127.0.0.1 --port 27017 --unixSocketPrefix /sock');
  });

  it('keep what a TTL index would delete', () => {
    expect(settings()).toContain('--setParameter ttlMonitorEnabled=false');
  });

  it('keep within the bounds of the scratch', () => {
    expect(settings(8, { memory_bytes: 512 * MIB })).toContain('--wiredTigerCacheSizeGB 0.25');
    expect(settings(8, { memory_bytes: 2048 * MIB })).toContain('--wiredTigerCacheSizeGB 0.50');
    expect(settings(8, { memory_bytes: 512 * MIB })).toContain('maxIndexBuildMemoryUsageMegabytes=64');
  });

  it('name nothing that a version does not know', () => {
    expect(settings(5)).toContain('--nojournal');
    expect(settings(8)).not.toContain('--nojournal');
  });
});
