import { expect, it } from 'vitest';
import { lackOf, takesFinding } from './fleet.js';

it('says of a fleet without a producer or a sink what does not happen', () => {
  expect(lackOf({ producer: 1, sink: 2 })).toEqual([]);
  expect(lackOf({ producer: 0, sink: 0 })).toEqual([
    'No producer runs on it: no schedule asks for a drill. Start one: muster producer (or muster up).',
    'No sink runs on it: no receipt is stored. Start one: muster sink (or muster up).',
  ]);
});

it('warns of sources whose backups are not taken when they are due, by name', () => {
  const finding = { code: 'never_met', schedule: 'nightly', message: 'None was taken.' } as const;
  expect(takesFinding(new Map([['shop', { findings: [] }]]))).toBe('backups are taken when they are due');
  const seen = new Map([
    ['shop', { findings: [] }],
    ['other', { findings: [finding] }],
  ]);
  expect(takesFinding(seen)).toEqual({ outcome: 'warning', detail: 'other: None was taken.' });
});
