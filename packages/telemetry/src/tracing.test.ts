import { MusterError } from '@muster/core';
import { ROOT_CONTEXT, SpanStatusCode } from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { tracedInMemory } from '../../../test/support/traced-in-memory.ts';
import { createLogger } from './create-logger.js';
import { attemptSpanId } from './span-id.js';
import { carrierOf, contextOf, traceIdOf } from './traceparent.js';
import { activeTraceId, inContext, openSpan, span } from './tracing.js';

const SENDER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('without an SDK', () => {
  it('a span does its work, and the trace of whoever asked goes on to whoever is asked', async () => {
    const parent = contextOf({ traceparent: SENDER });
    expect(await span('a', { parent }, async ({ context }) => carrierOf(context))).toEqual({
      traceparent: SENDER,
    });
    expect(await span('a', {}, async ({ context }) => carrierOf(context))).toEqual({});
    expect(inContext(parent, activeTraceId)).toBeUndefined();
  });
});

describe('a span', () => {
  let traced: ReturnType<typeof tracedInMemory>;
  beforeAll(() => {
    traced = tracedInMemory();
  });
  afterEach(() => traced.reset());
  afterAll(() => traced.close());

  it('has what runs in it as its children, and belongs to the trace of whoever asked', async () => {
    await span('parent', { parent: contextOf({ traceparent: SENDER }) }, () =>
      span('child', {}, async () => {}),
    );
    const [child, parent] = traced.spans();
    expect(parent?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
    expect(child?.spanContext().traceId).toBe(TRACE);
  });

  it('says of an error its code, and nothing that it says', async () => {
    const failing = (error: unknown) => span('a', {}, () => Promise.reject(error));
    await expect(failing(new MusterError('time_limit', 'hunter2'))).rejects.toThrow('hunter2');
    await expect(failing(new TypeError('hunter2'))).rejects.toThrow('hunter2');
    await expect(failing('hunter2')).rejects.toBe('hunter2');
    expect(traced.spans().map(({ attributes }) => attributes['error.type'])).toEqual([
      'time_limit',
      'TypeError',
      '_OTHER',
    ]);
    for (const { status, events } of traced.spans()) {
      expect(status).toEqual({ code: SpanStatusCode.ERROR });
      expect(events).toEqual([]);
    }
  });

  it('can have the id of a try, which any worker can tell; the next has another', () => {
    const attempt = { worker: 'host-1-abc', started_at: '2026-11-20T03:00:00.000Z' };
    const spanId = attemptSpanId('drl_1', attempt);
    const first = openSpan('first', { spanId, parent: ROOT_CONTEXT });
    openSpan('second', { parent: first.context }).end();
    first.end();
    const [second, one] = traced.spans();
    expect(one?.spanContext().spanId).toBe(spanId);
    expect(second?.parentSpanContext?.spanId).toBe(spanId);
    expect(second?.spanContext().spanId).not.toBe(spanId);
    expect(attemptSpanId('drl_1', { ...attempt, worker: 'host-2-abc' })).not.toBe(spanId);
  });

  it('gives its trace id to the log lines in it, and to no others', async () => {
    const lines: { trace_id?: string }[] = [];
    const stream = { write: (line: string) => lines.push(JSON.parse(line)) };
    const logger = createLogger({ service: 'sink', stream, pretty: false });
    logger.info('before');
    const traceId = await span('a', {}, async ({ context }) => {
      await Promise.resolve();
      logger.child({ drill_id: 'drl_1' }).error('within', new Error('no'));
      return traceIdOf(context);
    });
    inContext(contextOf({ traceparent: SENDER }), () => logger.info('of somebody else'));
    expect(lines.map(({ trace_id }) => trace_id)).toEqual([undefined, traceId, TRACE]);
  });
});
