import { describe, expect, it } from 'vitest';
import { predicateSchema } from './statement.js';

const summaryOf = (json: string) =>
  predicateSchema.shape.checks.element.shape.summary.safeParse(JSON.parse(json));

describe('the summary of a statement', () => {
  it('keeps every column, one called __proto__ too', () => {
    const json = '{"__proto__":1,"a":"x","b":null,"c":true}';
    expect(JSON.stringify(summaryOf(json).data)).toBe(json);
  });

  it.each(['[]', '5', 'null', '{"a":[]}', '{"a":{"b":1}}', '{"__proto__":{}}'])('is not %s', (json) => {
    expect(summaryOf(json).success).toBe(false);
  });
});
