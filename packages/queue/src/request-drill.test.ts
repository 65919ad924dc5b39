import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError, newDrillId, type Plan, sha256 } from '@muster/core';
import { createDirectoryStore, getPlan } from '@muster/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DrillQueue } from './drill-queue.js';
import type { ReceiptJob } from './jobs.js';
import { type RequestPorts, requestDrill } from './request-drill.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-request-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const drillId = newDrillId(new Date());
const planUnder = (configuration: string): Plan => ({
  drill_id: drillId,
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'cli' },
  pool: 'default',
  restore_point: { kind: 'latest' },
  checks: [],
  restore_only: true,
  config_sha256: sha256(configuration),
});

/** A queue that answers as told, and what came into it. */
function ports(add: DrillQueue['add']) {
  const published: ReceiptJob[] = [];
  const store = createDirectoryStore(folder);
  const given = {
    store,
    drills: { add },
    receipts: { publish: async (message: ReceiptJob) => void published.push(message) },
    events: { publish: async () => {} },
  } as unknown as RequestPorts;
  return { given, published, store };
}

describe('a drill that is asked for again after its plan was written and before it was queued', () => {
  const first = planUnder('one');
  const failing = () => ports(() => Promise.reject(new MusterError('redis_unavailable', 'it is away')));
  beforeEach(async () => {
    await expect(requestDrill(failing().given, first, {}, signal)).rejects.toThrow('it is away');
  });

  it('is queued as it was planned, though the configuration is another by now', async () => {
    const queued: Plan[] = [];
    const { given, store } = ports(async (plan) => {
      queued.push(plan);
      return 'queued';
    });
    expect(await requestDrill(given, planUnder('two'), {}, signal)).toBe('queued');
    expect(queued).toEqual([first]);
    expect(await getPlan(store, 'shop', drillId, signal)).toEqual(first);
  });

  it('is skipped as it was planned, where the one before it is not over', async () => {
    const { given, published } = ports(async () => 'overrun');
    expect(await requestDrill(given, planUnder('two'), {}, signal)).toBe('skipped');
    expect(published).toEqual([{ type: 'unfinished', plan: first, reason: 'overrun_skipped', attempts: [] }]);
  });
});
