import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, type Schedule, type Source, sha256 } from '@muster/core';
import { createDirectoryStore } from '@muster/evidence';
import type { ReceiptJob } from '@muster/queue';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDueReconciler } from './due-reconciler.js';
import { inForceOf } from './in-force.js';
import type { ProducerPorts } from './producer-ports.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-dues-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nightly: Schedule = {
  name: 'nightly',
  cron: '0 3 * * *',
  tz: 'UTC',
  restorePoint: { kind: 'latest' },
  present: [],
  absent: [],
  jitterMs: 0,
  overrun: 'skip',
};

function stage(at: string) {
  const text = 'sources: [{ slug: a, kind: postgres, connection: { uri: env:A }, restore_only: true }]';
  const parsed = parseConfig(text, { file: 'm.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error('faults');
  const sources = parsed.config.sources.map(
    (source): Source => ({ ...source, pool: 'default', schedules: [nightly] }),
  );
  const document = { digest: sha256(text), text, directory: '/' };
  const store = createDirectoryStore(folder);
  const inForce = inForceOf(
    { config: { ...parsed.config, sources }, document },
    { type: 'file' },
    () => store,
  );
  const published: ReceiptJob[] = [];
  const accounted = new Map<string, Date>();
  const clock = { now: new Date(at) };
  const held = new Set<string>();
  const ports = {
    now: () => clock.now,
    receipts: { publish: async (job: ReceiptJob) => void published.push(job) },
    schedules: {
      holds: async ({ due }: { due: Date }) => held.has(due.toISOString()),
      accounted: async () => accounted,
      account: async (entries: { slug: string; schedule: string; until: Date }[]) => {
        for (const { slug, schedule, until } of entries) accounted.set(`${slug}/${schedule}`, until);
      },
    },
  } as unknown as ProducerPorts;
  const dues = createDueReconciler(ports);
  const pass = () => dues.pass(inForce, () => undefined, AbortSignal.timeout(5000));
  return { clock, held, published, accounted, dues, pass };
}

describe('what was due without a plan', () => {
  it('is missed once each; a new schedule counts from now', async () => {
    const { clock, published, pass } = stage('2026-01-01T12:00:00Z');
    expect(await pass()).toEqual({ missed: 0 });
    clock.now = new Date('2026-01-03T12:00:00Z');
    expect(await pass()).toEqual({ missed: 2 });
    expect(await pass()).toEqual({ missed: 0 });
    expect(published).toMatchObject([{ reason: 'missed' }, { reason: 'missed' }]);
  });

  it('waits while the queue holds its tick', async () => {
    const { clock, held, pass } = stage('2026-01-01T12:00:00Z');
    await pass();
    clock.now = new Date('2026-01-03T12:00:00Z');
    held.add('2026-01-02T03:00:00.000Z');
    expect(await pass()).toEqual({ missed: 0 });
    held.clear();
    expect(await pass()).toEqual({ missed: 2 });
  });

  it('is found from the newest plan in the evidence store after Redis was wiped', async () => {
    const { clock, accounted, dues, pass } = stage('2026-01-01T12:00:00Z');
    await pass();
    clock.now = new Date('2026-01-02T12:00:00Z');
    expect(await pass()).toEqual({ missed: 1 });
    accounted.clear();
    dues.forget();
    clock.now = new Date('2026-01-04T12:00:00Z');
    expect(await pass()).toEqual({ missed: 2 });
  });
});
