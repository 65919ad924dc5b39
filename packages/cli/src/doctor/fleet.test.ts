import { expect, it } from 'vitest';
import { lackOf } from './fleet.js';

it('says of a fleet without a producer or a sink what does not happen', () => {
  expect(lackOf({ producer: 1, sink: 2 })).toEqual([]);
  expect(lackOf({ producer: 0, sink: 0 })).toEqual([
    'No producer runs on it: no schedule asks for a drill. Start one: muster producer (or muster up).',
    'No sink runs on it: no receipt is stored. Start one: muster sink (or muster up).',
  ]);
});
