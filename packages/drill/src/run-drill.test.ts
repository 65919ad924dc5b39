import { generateKeyPairSync } from 'node:crypto';
import type { Backup } from '@muster/backups';
import {
  type Attempt,
  checkConsistency,
  createPlan,
  drawFaults,
  MusterError,
  newDrillId,
  parseConfig,
  type RestorePoint,
  type Source,
  sha256,
} from '@muster/core';
import { createSigner } from '@muster/evidence';
import { describe, expect, it } from 'vitest';
import type { DrillEvent } from './drill-event.js';
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

const drill = async (used: DrillPorts, of: Source, restorePoint: RestorePoint) => {
  const plan = createPlan(config, of, { drillId: newDrillId(NOW), trigger: { kind: 'cli' }, restorePoint });
  return await runDrill(used, { plan, config, source: of, restorePoint }, new AbortController().signal);
};

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
  const backup = { ...made('a', 1), artefact, facts };
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

const made = (id: string, hours: number): Backup => ({
  id,
  artefact: { form: 'file', name: id, path: `/b/${id}`, sizeBytes: 5 },
  location: `file:///b/${id}`,
  mtime: NOW,
  createdAt: new Date(NOW.getTime() - hours * 3_600_000),
  createdAtFrom: 'name',
});

describe('the receipt of a drill that found backups', () => {
  /** None of them is a dump. */
  const finding = {
    ...ports,
    repository: () => ({ location: 'file:///b', list: async () => [made('b', 1), made('a', 30)] }),
    engineOf: () => ({
      identify: async () => {
        throw new MusterError('not_a_dump', 'it is none');
      },
    }),
  } as unknown as DrillPorts;

  it('says how old the newest was, whichever was drilled', async () => {
    const promised = { ...source, objectives: { rpoMs: 3_599_999, enforce: 'rpo' } } as const;
    const { statement } = await drill(finding, promised, { kind: 'oldest' });
    expect(statement.predicate).toMatchObject({
      restore_point: { kind: 'oldest', resolved: 'a' },
      newest_backup: { id: 'b', created_at: '2026-11-20T02:00:00.000Z', created_at_from: 'name' },
      objectives: { enforce: 'rpo', rpo_s: 3599.999, rpo_met: false },
      reason: 'not_a_dump',
    });
  });

  it('meets no rpo by a backup of the future, nor drills an older one then', async () => {
    const promised = { ...source, objectives: { rpoMs: 3_600_000, enforce: 'rpo' } } as const;
    const list = async () => [made('b', -1), made('a', 30)];
    const used = { ...finding, repository: () => ({ location: 'file:///b', list }) } as DrillPorts;
    const { statement } = await drill(used, promised, { kind: 'oldest' });
    expect(statement.predicate).toMatchObject({
      restore_point: { kind: 'oldest', listed: 2 },
      objectives: { enforce: 'rpo', rpo_s: 3600 },
      reason: 'future_dated',
    });
    expect(statement.predicate.objectives).not.toHaveProperty('rpo_met');
    expect(checkConsistency(statement)).toEqual([]);
  });

  it('names the listing of a random choice, which comes along', async () => {
    const { statement, listing } = await drill(finding, source, { kind: 'random', days: 14 });
    const { restore_point: point } = statement.predicate;
    expect(point).toMatchObject({ kind: 'random', asked: '14d', listing_sha256: sha256(listing ?? '') });
    expect(drawFaults(statement.predicate, listing ?? '')).toEqual([]);
  });

  it('says how many there were, where none is of the id that was asked for', async () => {
    const { statement, message } = await drill(finding, source, { kind: 'id', id: 'c' });
    expect(statement.predicate).toMatchObject({ result: 'fail', reason: 'no_backup' });
    expect(statement.predicate.restore_point).toEqual({ kind: 'id', asked: 'c', listed: 2 });
    expect(checkConsistency(statement)).toEqual([]);
    expect(message).toContain('of the id "c" is in file:///b: 2 backups were listed');
  });

  it('has no listing where nothing was drawn', async () => {
    const none = { ...finding, repository: ports.repository };
    const { statement, listing } = await drill(none, source, { kind: 'random' });
    expect(listing).toBeUndefined();
    expect(statement.predicate.restore_point).toEqual({ kind: 'random' });
  });
});

it.each([
  ['scratch_disk_full', { reason: 'scratch_disk_full', detail: 'it is full' }],
  ['scratch_lost', undefined],
])('a server that ends under a check has its drill end as its scratch knows: %s', async (reason, loss) => {
  const checked = YAML.replace('restore_only: true', 'checks: [c]');
  const asking = parseConfig(`${checked}\nchecks: [{ id: c, summary_sql: SELECT 1 AS n, expect: n == 1 }]`, {
    file: 'muster.yaml',
    baseDirectory: '/',
  });
  const [asked] = asking.ok ? asking.config.sources : [];
  if (!asking.ok || asked === undefined) throw new Error('it has no faults');
  const facts = { format: 'plain', major: 17, databases: ['shop'] };
  const base = { isolation: 'docker', facts: '' };
  const scratch = {
    isolation: 'docker',
    limits: { disk_bytes: 1 },
    lost: new Promise(() => {}),
    diagnose: async () => loss,
    destroy: async () => {},
  };
  const server = {
    version: '17.2',
    restore: async () => ({ databases: ['shop'], bytes: 5, warnings: [] }),
    ask: async () => ({ kind: 'server_lost' }),
  };
  const losing = {
    ...ports,
    repository: () => ({ location: 'file:///b', list: async () => [{ ...made('a', 1), facts }] }),
    hostFor: async () => ({ prepare: async () => base, launch: async () => scratch }),
    engineOf: () => ({
      identify: async () => facts,
      admit: () => ({ user: '1:1' }),
      start: async () => server,
      examine: async () => ({ sha256: sha256('dump'), sizeBytes: 5 }),
    }),
  } as unknown as DrillPorts;
  const restorePoint = { kind: 'latest' } as const;
  const plan = createPlan(asking.config, asked, {
    drillId: newDrillId(NOW),
    trigger: { kind: 'cli' },
    restorePoint,
  });
  const { statement } = await runDrill(
    losing,
    { plan, config: asking.config, source: asked, restorePoint },
    never,
  );
  expect(statement.predicate).toMatchObject({ result: 'error', reason, checks: [{ reason: 'server_lost' }] });
});

it('a point in WAL that is behind no set is looked for behind the three newest', async () => {
  const set = (id: string, hours: number): Backup => ({
    ...made(id, hours),
    artefact: {
      form: 'repository',
      name: id,
      path: '/r',
      stanza: 'main',
      sizeBytes: 5,
      manifestDigest: async () => `sha256:${'0'.repeat(64)}`,
    },
    wal: { cluster: '17-1' },
    facts: { format: 'pgbackrest-full', major: 17, databases: [] },
  });
  const sets = [set('d', 1), set('c', 2), set('b', 3), set('a', 4)];
  const told: (string | undefined)[] = [];
  const finding = {
    ...ports,
    observe: (event: DrillEvent) => {
      if (event.type === 'located') told.push(event.notBehind);
    },
    repository: () => ({ location: 'file:///r', list: async () => sets }),
    engineOf: () => {
      throw new MusterError('target_not_reached', 'It is not there.');
    },
  } as unknown as DrillPorts;
  const repository = { kind: 'place', place: { type: 'directory', location: '/r' } } as const;
  const ofSets = { type: 'pgbackrest', stanza: 'main', repository } as const;
  const { statement, message } = await drill(
    finding,
    { ...source, backup: ofSets },
    { kind: 'name', name: 'x' },
  );
  expect(statement.predicate).toMatchObject({
    result: 'fail',
    restore_point: { resolved: 'b' },
    backup: { id: 'b' },
  });
  expect(told).toEqual([undefined, 'd', 'c']);
  expect(message).toMatch(/^It is not there\. It was looked for behind the sets d, c, b;/);
});
