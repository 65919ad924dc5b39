import { describe, expect, it } from 'vitest';
import { predicateSchema } from './statement.js';

const summaryOf = (json: string) =>
  predicateSchema.shape.checks.element.shape.summary.safeParse(JSON.parse(json));

describe('the trace id of a statement', () => {
  const { trace_id: traceId } = predicateSchema.shape;

  it('is that of W3C Trace Context, or absent', () => {
    expect(traceId.parse('0af7651916cd43dd8448eb211c80319c')).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(traceId.parse(undefined)).toBeUndefined();
  });

  it.each(['', '0'.repeat(32), 'A'.repeat(32), 'a'.repeat(31), `${'a'.repeat(32)}\n`])(
    'is not %j',
    (text) => {
      expect(traceId.safeParse(text).success).toBe(false);
    },
  );
});

describe('the summary of a statement', () => {
  it('keeps every column, one called __proto__ too', () => {
    const json = '{"__proto__":1,"a":"x","b":null,"c":true}';
    expect(JSON.stringify(summaryOf(json).data)).toBe(json);
  });

  it.each(['[]', '5', 'null', '{"a":[]}', '{"a":{"b":1}}', '{"__proto__":{}}'])('is not %s', (json) => {
    expect(summaryOf(json).success).toBe(false);
  });
});
