import { expect, it } from 'vitest';
import type { Config } from './config/config.js';
import { poolsOf } from './pools-of.js';

it('pools are those that drill, and those that take backups', () => {
  const sources = [
    { pool: 'default', take: { pool: 'db-host' } },
    { pool: 'eu' },
  ] as unknown as Config['sources'];
  expect([...poolsOf({ sources })]).toEqual(['default', 'db-host', 'eu']);
  expect([...poolsOf(undefined)]).toEqual([]);
});
