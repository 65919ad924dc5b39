import { describe, expect, it } from 'vitest';
import { samplePlan } from '../../../test/support/sample-plan.ts';
import { drillJobSchema, receiptJobSchema } from './jobs.js';

const plan = samplePlan();
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const unfinished = { type: 'unfinished', plan, reason: 'lost', attempts: [] };

describe('the traceparent of a job', () => {
  it('is handed on', () => {
    expect(drillJobSchema.parse({ plan, traceparent: TRACEPARENT })).toEqual({
      plan,
      traceparent: TRACEPARENT,
    });
    expect(receiptJobSchema.parse({ ...unfinished, traceparent: TRACEPARENT })).toMatchObject({
      traceparent: TRACEPARENT,
    });
  });

  it.each([5, null, {}, 'x'.repeat(10_000)])(
    'that is %j at most is left out: the job counts',
    (traceparent) => {
      expect(drillJobSchema.parse({ plan, traceparent })).toEqual({ plan });
      expect(receiptJobSchema.parse({ ...unfinished, traceparent })).toEqual(unfinished);
    },
  );
});

it.each(['', 'garbage', '../../x', `drl_7${'Z'.repeat(25)}`])(
  'a receipt is of a drill, which is not %j',
  (id) => {
    const receipt = { type: 'receipt', drill_id: plan.drill_id, source: 'shop', attempt: 1, bundle: '{}' };
    expect(receiptJobSchema.parse(receipt)).toEqual(receipt);
    expect(receiptJobSchema.safeParse({ ...receipt, drill_id: id }).success).toBe(false);
  },
);
