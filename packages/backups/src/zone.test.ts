import { expect, it } from 'vitest';
import { inZone } from './zone.js';

it.each([
  ['Europe/Paris', '2026-11-20T04:00:00.000Z', '2026-11-20T03:00:00.000Z'],
  ['Europe/Paris', '2026-07-20T05:00:00.500Z', '2026-07-20T03:00:00.500Z'],
  ['America/New_York', '2026-11-19T22:00:00.000Z', '2026-11-20T03:00:00.000Z'],
  ['Asia/Kathmandu', '2026-11-20T00:00:00.000Z', '2026-11-19T18:15:00.000Z'],
  ['UTC', '2026-11-20T03:00:00.000Z', '2026-11-20T03:00:00.000Z'],
  // The day whose clocks go forward, after they did.
  ['Europe/Paris', '2027-03-28T03:30:00.000Z', '2027-03-28T01:30:00.000Z'],
])('what clocks of %s show at %s is %s', (zone, shown, at) =>
  expect(inZone(new Date(shown), zone).toISOString()).toBe(at),
);
