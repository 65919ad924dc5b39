import { expect, it } from 'vitest';
import { lackOfWorkers } from './lack-of-workers.js';
import type { Heartbeat } from './worker-registry.js';

const at = '2026-11-20T12:00:00.000Z';
const worker = (pool: string, state: Heartbeat['state']): Heartbeat => ({
  worker: `w-${pool}`,
  host: 'h',
  version: '0',
  pool,
  concurrency: 1,
  state,
  drills: [],
  started_at: at,
  at,
});

it('is said where no worker of the pool takes drills, one that drains included', () => {
  const said = 'No worker serves the pool eu now: the drill waits for one.';
  expect(lackOfWorkers([], 'eu')).toBe(said);
  expect(lackOfWorkers([worker('default', 'ready'), worker('eu', 'draining')], 'eu')).toBe(said);
  expect(lackOfWorkers([worker('eu', 'draining'), worker('eu', 'ready')], 'eu')).toBeUndefined();
});
