import { expect, it } from 'vitest';
import { DigestSum } from './digest-sum.js';

const of = (...documents: readonly string[]): DigestSum => {
  const sum = new DigestSum();
  for (const document of documents) sum.add(Buffer.from(document));
  return sum;
};

it('does not depend on the order', () => {
  expect(of('a', 'b', 'c').value()).toBe(of('c', 'a', 'b').value());
});

it.each([
  [['a', 'b']],
  [['a', 'b', 'd']],
  [['a', 'b', 'b']],
  [['a', 'b', 'c', 'c']],
  [['a', 'b', 'c', 'd', 'd']],
  [[]],
] as const)('is another where %s is there instead of a, b, c', (documents) => {
  expect(of(...documents).value()).not.toBe(of('a', 'b', 'c').value());
});

it('sees a pair of the same documents, and another pair', () => {
  expect(of('a', 'a').value()).not.toBe(of('b', 'b').value());
});
