import { generateKeyPairSync } from 'node:crypto';
import { type Attempt, createPlan, MusterError, newDrillId, parseConfig } from '@muster/core';
import { createSigner } from '@muster/evidence';
import { describe, expect, it } from 'vitest';
import type { DrillPorts } from './drill-ports.js';
import { runDrill } from './run-drill.js';

const YAML = `
sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: /b }, restore_only: true }]
`;
const parsed = parseConfig(YAML, { file: 'muster.yaml', baseDirectory: '/' });
if (!parsed.ok) throw new Error('it has no faults');
const { config } = parsed;
const [source] = config.sources;
if (source === undefined) throw new Error('there is a source');
const NOW = new Date('2026-11-20T03:00:00.000Z');

/** A worker that finds no backup. */
const ports = {
  repository: () => {
    throw new MusterError('no_backup', 'there is none');
  },
  signer: createSigner(generateKeyPairSync('ed25519').privateKey),
  now: () => NOW,
  worker: { name: 'b', pool: 'default', cpus: 1, memoryBytes: 1 },
  musterVersion: '0.1.0',
  observe: () => {},
  output: () => {},
} as unknown as DrillPorts;

const request = (earlier: readonly Attempt[] = []) => {
  const restorePoint = { kind: 'latest' } as const;
  const plan = createPlan(config, source, {
    drillId: newDrillId(NOW),
    trigger: { kind: 'cli' },
    restorePoint,
  });
  return { plan, config, source, restorePoint, earlier };
};
const never = new AbortController().signal;

const attemptsAfter = async (earlier: readonly Attempt[]) => {
  const { statement } = await runDrill(ports, request(earlier), never);
  expect(statement.predicate).toMatchObject({ result: 'fail', reason: 'no_backup' });
  return statement.predicate.attempts.map(({ worker }) => worker);
};
const lostAt = (time: string): Attempt => ({ worker: 'a', started_at: time, outcome: 'lost' });

describe('the receipt of a drill that was tried before', () => {
  it('tells of the tries before', async () =>
    expect(await attemptsAfter([lostAt('2026-11-20T02:59:00.000Z')])).toEqual(['a', 'b']));

  it('is written without them where the clock of another host contradicts this one', async () =>
    expect(await attemptsAfter([lostAt('2026-11-20T04:00:00.000Z')])).toEqual(['b']));
});

it('whatever a backup says of itself, its drill has a receipt', async () => {
  const facts = { format: 'archive', major: 7, databases: [], serverVersion: `7.0\ud800${'1'.repeat(99)}` };
  const artefact = { form: 'file', name: 'a', path: '/b/a', sizeBytes: 1 } as const;
  const backup = { id: 'a', artefact, facts, createdAt: NOW, createdAtFrom: 'name' } as const;
  const found = {
    ...ports,
    repository: () => ({ location: 'file:///b', list: async () => [backup] }),
    engineOf: () => {
      throw new MusterError('image_unavailable', 'there is none');
    },
  } as unknown as DrillPorts;
  const { statement } = await runDrill(found, request(), never);
  expect(statement.predicate).toMatchObject({ reason: 'image_unavailable', backup: { id: 'a' } });
  expect(statement.predicate.backup?.server_version).toMatch(/^7\.0\ufffd1{60}$/);
});
