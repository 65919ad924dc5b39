import type { Environment } from './environment.js';

/** A machine that is nobody's. */
export const someEnvironment = (over: Partial<Environment> = {}): Environment => ({
  env: {},
  cwd: '/nowhere',
  home: '/nowhere',
  uid: 1000,
  hostname: 'host',
  cpus: 2,
  memoryBytes: 1e9,
  now: () => new Date('2026-11-20T12:00:00Z'),
  ...over,
});
