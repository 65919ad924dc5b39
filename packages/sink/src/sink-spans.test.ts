import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { tracedInMemory } from '../../../test/support/traced-in-memory.ts';
import { drilled, messageOf, sinkInMemory } from './sink.fixture.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

describe('the spans of a receipt', () => {
  let traced: ReturnType<typeof tracedInMemory>;
  let sink: Awaited<ReturnType<typeof sinkInMemory>>;
  beforeAll(async () => {
    traced = tracedInMemory();
    sink = await sinkInMemory();
    await sink.start();
  });
  afterEach(() => traced.reset());
  afterAll(async () => {
    await sink.close();
    traced.close();
  });

  it('are of the trace of its drill, and so are the log lines', async () => {
    const drill = drilled();
    await sink.plan(drill.plan);
    await sink.deliver({ ...messageOf(drill, sink.signer), traceparent });
    expect(traced.tree()).toEqual(['receipt store', '  index']);
    const [, store] = traced.spans();
    expect(store?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: 'b7ad6b7169203331' });
    expect(sink.log.at(-1)).toMatchObject({ msg: 'receipt kept', trace_id: TRACE });
  });

  it('say that it is in quarantine, and not why in words', async () => {
    await sink.deliver({ ...messageOf(drilled(), sink.signer), bundle: '{"hunter2":true}', traceparent });
    expect(traced.tree()).toEqual(['receipt store: quarantined']);
    expect(JSON.stringify(traced.spans().map(({ attributes }) => attributes))).not.toContain('hunter2');
  });

  it('give their trace id to a receipt that the sink signs', async () => {
    const { plan, id } = drilled();
    await sink.deliver({ type: 'unfinished', plan, reason: 'worker_lost', attempts: [], traceparent });
    expect(sink.indexed.get(id)?.statement.predicate).toMatchObject({
      reason: 'worker_lost',
      trace_id: TRACE,
    });
  });
});
