import { describe, expect, it } from 'vitest';
import { notIn } from './missing-receipts.js';

async function* listed(...names: string[]) {
  yield* names;
}

const missing = async (some: string[], others: string[]) => {
  const found: string[] = [];
  for await (const one of notIn(listed(...some), listed(...others))) found.push(one);
  return found;
};

describe('two sorted listings', () => {
  it('are compared in one pass', async () => {
    expect(await missing(['a', 'b', 'd', 'f'], ['b', 'c', 'f', 'g'])).toEqual(['a', 'd']);
    expect(await missing(['a', 'b'], [])).toEqual(['a', 'b']);
    expect(await missing([], ['a'])).toEqual([]);
    expect(await missing(['a'], ['a'])).toEqual([]);
  });
});
