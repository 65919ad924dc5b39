import { isMusterError } from '@muster/core';
import { expect, it } from 'vitest';
import { openPostgresIndex } from './postgres-index.js';

it('an index that cannot be reached is told without its credentials', async () => {
  const url = 'postgresql://me:s3cret@127.0.0.1:1/muster';
  const fault = await openPostgresIndex(url, AbortSignal.timeout(20_000)).catch((error: unknown) => error);
  expect(isMusterError(fault, 'index_unavailable')).toBe(true);
  expect(String(fault)).not.toContain('s3cret');
});
