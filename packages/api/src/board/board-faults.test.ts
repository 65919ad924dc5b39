import { MusterError } from '@muster/core';
import { expect, it } from 'vitest';
import { problemFrom } from '../problem.js';
import { boardFault } from './board-faults.js';

it.each([
  [Object.assign(new Error('late'), { code: 'FST_ERR_HANDLER_TIMEOUT', statusCode: 503 }), 503],
  [new Error('Command timed out'), 503],
  [new Error('Connection is closed.'), 503],
  [Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' }), 503],
  [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 503],
  [new MusterError('redis_unavailable', 'at 10.0.0.5'), 503],
  [Object.assign(new Error('Job x is not in the delayed state. promote'), { code: -3 }), 409],
  [new URIError('URI malformed'), 400],
  [Object.assign(new Error('Unsupported Media Type'), { code: 'FST_ERR_CTP', statusCode: 415 }), 415],
  [new TypeError('PLANTED'), 500],
])('%s of Bull Board is %i', (error, status) => {
  const problem = problemFrom(boardFault(error));
  expect(problem.status).toBe(status);
  expect(problem.detail).not.toMatch(/PLANTED|10\.0\.0\.5/);
});
