import { ROOT_CONTEXT } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { carrierOf, contextOf, traceIdOf } from './traceparent.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const VALID = `00-${TRACE}-b7ad6b7169203331-01`;

describe('a traceparent', () => {
  it('comes out as it went in, sampled or not', () => {
    expect(carrierOf(contextOf({ traceparent: VALID }))).toEqual({ traceparent: VALID });
    const unsampled = VALID.replace(/01$/, '00');
    expect(carrierOf(contextOf({ traceparent: unsampled }))).toEqual({ traceparent: unsampled });
    expect(traceIdOf(contextOf({ traceparent: VALID }))).toBe(TRACE);
  });

  it('of a later version counts by what this one knows of it', () => {
    expect(carrierOf(contextOf({ traceparent: `cc-${VALID.slice(3)}-what-comes` }))).toEqual({
      traceparent: VALID,
    });
  });

  it.each([
    undefined,
    '',
    'hunter2',
    `ff${VALID.slice(2)}`,
    VALID.toUpperCase(),
    VALID.replace(TRACE, '0'.repeat(32)),
    VALID.replace('b7ad6b7169203331', '0'.repeat(16)),
    `${VALID}\n`,
  ])('that is none (%j) is a new trace, and no error', (traceparent) => {
    expect(contextOf({ traceparent })).toBe(ROOT_CONTEXT);
    expect(carrierOf(ROOT_CONTEXT)).toEqual({});
  });
});
