import type { Attempt } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { samplePlan } from '../../../test/support/sample-plan.ts';
import { tracedInMemory } from '../../../test/support/traced-in-memory.ts';
import { openAttempt, openCheck, openPhase, tellLostAttempt } from './drill-attempt.js';

const SENDER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a try whose worker died', () => {
  let traced: ReturnType<typeof tracedInMemory>;
  beforeAll(() => {
    traced = tracedInMemory();
  });
  afterAll(() => traced.close());

  it('is told by whoever takes the drill over, with what it was at, above what the worker had told of it, and beside the next', async () => {
    const drill = { plan: samplePlan('eu'), queue: 'drills-eu', carrier: { traceparent: SENDER } };
    const begun = { worker: 'dying', started_at: '2026-11-20T03:00:00.000Z' };
    const dying = openAttempt({ ...drill, attempt: begun, number: 1 });
    openPhase(dying, 'restore', {}).end();
    const phase = openPhase(dying, 'check', {});
    openCheck(phase, 'rows', {}).end();
    openCheck(phase, 'slow', {});

    const lost: Attempt = { ...begun, outcome: 'lost' };
    const now = new Date('2026-11-20T03:01:00.000Z');
    const since = new Date('2026-11-20T03:00:30.000Z');
    await tellLostAttempt(drill, [lost], now, async () => ({
      phase: { name: 'check', since },
      check: { id: 'slow', since },
    }));
    openAttempt({ ...drill, attempt: { worker: 'other', started_at: now.toISOString() }, number: 2 }).end();

    expect(traced.tree()).toEqual([
      'drill attempt: worker_lost',
      '  check: worker_lost',
      '    check slow: worker_lost',
      '    check rows',
      '  restore',
      'drill attempt',
    ]);
    const tries = traced.spans().filter(({ name }) => name === 'drill attempt');
    expect(tries.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      'b7ad6b7169203331',
      'b7ad6b7169203331',
    ]);
    expect(tries[0]?.attributes).toMatchObject({
      'messaging.system': 'bullmq',
      'messaging.destination.name': 'drills-eu',
      'muster.attempt': 1,
      'muster.outcome': 'lost',
      'muster.worker': 'dying',
    });
    expect(tries[0]?.duration).toEqual([60, 0]);
  });

  it('is not told again where it came to its end', async () => {
    traced.reset();
    const ended: Attempt = { worker: 'w', started_at: '2026-11-20T03:00:00.000Z', outcome: 'error' };
    const drill = { plan: samplePlan(), queue: 'drills', carrier: {} };
    for (const attempts of [[{ ...ended, outcome: 'lost' } as const, ended], []])
      await tellLostAttempt(drill, attempts, new Date(), async () => ({}));
    expect(traced.spans()).toEqual([]);
  });
});
