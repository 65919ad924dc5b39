import { afterAll, beforeAll, expect, it } from 'vitest';
import { tracedInMemory } from '../../../test/support/traced-in-memory.ts';
import { openTakeSpans, traceTakeRequest } from './take-spans.js';
import { contextOf } from './traceparent.js';
import { activeContext, inContext, span } from './tracing.js';

let traced: ReturnType<typeof tracedInMemory>;
beforeAll(() => {
  traced = tracedInMemory();
});
afterAll(() => traced.close());

it('a take is one trace from whoever asked on: its tries beside each other, with their phases, and what was pruned', async () => {
  const take = { id: 'tak_1', source: 'shop', kind: 'postgres', pool: 'eu', queue: 'takes-eu' } as const;
  await traceTakeRequest(take, activeContext(), async (carrier) => {
    const first = openTakeSpans(take, contextOf(carrier), 'a', 1);
    for (const phase of ['survey', 'dump', 'dump']) first.phase(phase);
    first.end('failed', 'dump_failed');
    const second = openTakeSpans(take, contextOf(carrier), 'b', 2);
    for (const phase of ['dump', 'publish']) second.phase(phase);
    second.end('taken');
    await inContext(contextOf(carrier), () => span('prune', {}, async () => {}));
  });
  expect(traced.tree()).toEqual([
    'take request',
    '  take attempt: dump_failed',
    '    take survey',
    '    take dump: dump_failed',
    '  take attempt',
    '    take dump',
    '    take publish',
    '  prune',
  ]);
  const [, second] = traced.spans().filter(({ name }) => name === 'take attempt');
  expect(second?.attributes).toEqual({
    'db.system.name': 'postgresql',
    'messaging.destination.name': 'takes-eu',
    'messaging.message.id': 'tak_1',
    'messaging.operation.type': 'process',
    'messaging.system': 'bullmq',
    'muster.attempt': 2,
    'muster.outcome': 'taken',
    'muster.pool': 'eu',
    'muster.source': 'shop',
    'muster.take.id': 'tak_1',
    'muster.worker': 'b',
  });
});
