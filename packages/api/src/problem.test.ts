import { MusterError } from '@muster/core';
import { expect, it } from 'vitest';
import { problemFrom } from './problem.js';

it.each([
  'redis_unavailable',
  'redis_unsuitable',
  'index_unavailable',
  'evidence_unwritable',
  'evidence_not_found',
  'evidence_malformed',
  'key_unreadable',
] as const)('says of %s nothing of where that is', (code) => {
  const { status, detail } = problemFrom(new MusterError(code, 'The one at PLANTED:6379 is away.'));
  expect(status).toBeGreaterThanOrEqual(404);
  expect(detail).not.toContain('PLANTED');
});

it('says that something took too long, and not that it failed', () => {
  const problem = problemFrom(new DOMException('PLANTED', 'TimeoutError'));
  expect(problem).toMatchObject({ status: 503, code: 'timed_out' });
  expect(problem.detail).not.toContain('PLANTED');
});
