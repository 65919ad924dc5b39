import type { DrillEvent } from '@muster/drill';
import { fleetEventSchema } from '@muster/queue';
import { expect, it } from 'vitest';
import { fleetEvent } from './fleet-event.js';

const at = '2026-11-20T12:00:00.000Z';
const phase = { name: 'restore', started_at: at, duration_ms: 7, outcome: 'done' } as const;
const digest = `sha256:${'0'.repeat(64)}`;
const check = {
  id: 'c',
  check_sha256: digest,
  expect_sha256: digest,
  verdict: 'pass',
  duration_ms: 3,
} as const;

it.each<[DrillEvent, object]>([
  [
    { type: 'progress', phase: 'restore', what: 'restore', bytes: 1, totalBytes: 2 },
    { type: 'progress', phase: 'restore', what: 'restore', bytes: 1, total_bytes: 2 },
  ],
  [
    {
      type: 'located',
      backup: 'b',
      location: '/PLANTED',
      sizeBytes: 1,
      createdAt: new Date(at),
      notBehind: 'c',
    },
    { type: 'located', backup: 'b', size_bytes: 1, created_at: at, not_behind: 'c' },
  ],
  [
    { type: 'launched', isolation: 'docker', engine: 'postgres', engineVersion: '17.6' },
    { type: 'launched', isolation: 'docker', engine: 'postgres', engine_version: '17.6' },
  ],
  [
    { type: 'check-ended', check },
    { type: 'check-ended', id: 'c', verdict: 'pass', duration_ms: 3 },
  ],
  [
    { type: 'phase-ended', phase },
    { type: 'phase-ended', phase: 'restore', outcome: 'done', duration_ms: 7 },
  ],
  [
    { type: 'judged', result: 'fail', reason: 'corrupt', message: 'PLANTED' },
    { type: 'judged', result: 'fail', reason: 'corrupt' },
  ],
])('what is told to the fleet of %j is in its words, and what it takes', (event, told) => {
  expect(fleetEvent(event)).toEqual(told);
  expect(fleetEventSchema.safeParse(told).success).toBe(true);
});
