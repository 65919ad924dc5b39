import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlan, newDrillId } from '@muster/core';
import { createDirectoryStore, putPlan } from '@muster/evidence';
import type { ConfigDocument } from '@muster/queue';
import { expect, it, onTestFinished } from 'vitest';
import type { Environment } from '../environment.js';
import { parseDocument } from './config-file.js';
import { writtenDrills } from './fleet-drills.js';

const CONFIG =
  'sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: /backups }, restore_only: true }]';

it('a drill by hand is seen beside the configuration that names no place for evidence', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-written-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const document: ConfigDocument = { text: CONFIG, directory, digest: 'sha256:0' };
  const parsed = parseDocument(document);
  if (!parsed.ok || parsed.read.config.sources[0] === undefined) throw new Error('it has no faults');
  const [source] = parsed.read.config.sources;
  const now = new Date();
  const plan = createPlan(parsed.read.config, source, {
    drillId: newDrillId(now),
    trigger: { kind: 'cli' },
    restorePoint: { kind: 'oldest' },
  });
  const { signal } = new AbortController();
  await putPlan(createDirectoryStore(join(directory, 'evidence')), plan, signal);

  const environment = { env: {}, now: () => now } as Environment;
  const configs = { get: async () => document };
  const look = writtenDrills(environment, configs, { configSha256: document.digest }, source);
  expect(await look([], signal)).toEqual({
    open: [{ drillId: plan.drill_id, restorePoint: { kind: 'oldest' } }],
    passed: [],
  });
});
