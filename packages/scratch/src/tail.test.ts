import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTail } from './tail.js';

it('holds the last bytes, however they came', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{0,20}$/)), (pieces) => {
      const tail = createTail(16);
      for (const piece of pieces) tail.add(Buffer.from(piece));
      expect(tail.text()).toBe(pieces.join('').slice(-16));
    }),
  );
});

it('does not change with the buffer that a piece came in', () => {
  const tail = createTail(16);
  const buffer = Buffer.from('before');
  tail.add(buffer);
  buffer.fill('x');
  expect(tail.text()).toBe('before');
});
