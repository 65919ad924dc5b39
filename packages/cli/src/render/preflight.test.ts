import type { Preflight } from '@muster/core';
import { expect, it } from 'vitest';
import { sourceFindings } from './preflight.js';

it('of a live source it is told which server answers, and nothing of a backup that is not there yet', () => {
  const now = new Date('2026-11-20T03:00:00.000Z');
  const look = {
    outcome: 'run',
    restore_point: { kind: 'latest' },
    backup: {
      id: 'live_20261120T030000Z',
      location: 'live:live',
      format: 'custom',
      server_version: '15.20',
      created_at: now.toISOString(),
      created_at_from: 'dump',
    },
  } as const;
  const preflight = { source: 'live', kind: 'postgres', look, unknown: [] } as unknown as Preflight;
  expect(sourceFindings(preflight, now, false)[0]).toEqual({
    subject: 'live',
    outcome: 'ok',
    detail: 'answers: PostgreSQL 15.20',
  });
});
