import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompanionPlace } from '@muster/backups';
import { checkConsistency, createPlan, MusterError, newDrillId, parseConfig, sha256 } from '@muster/core';
import { createSigner } from '@muster/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DrillPorts } from './drill-ports.js';
import { runDrill } from './run-drill.js';

const YAML = `
sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: /b }
    restore_only: true
    scratch: { disk: 1KiB }
    companions: [{ from: /models, to: /opt/models }, { from: /words, to: /opt/words }]
`;
const parsed = parseConfig(YAML, { file: 'muster.yaml', baseDirectory: '/' });
const [source] = parsed.ok ? parsed.config.sources : [];
if (!parsed.ok || source === undefined) throw new Error(JSON.stringify(parsed));
const { config } = parsed;
const NOW = new Date('2026-11-20T03:00:00.000Z');
const FACTS = { format: 'plain', major: 17, databases: ['shop'] };
const SHA = sha256('model');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-companions-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const there: CompanionPlace = {
  location: 'file:///x',
  look: async () => ({ sizeBytes: 5, files: 1, copied: true }),
  fetch: async ({ directory }) => {
    const path = join(directory, 'copy');
    await mkdir(path, { recursive: true });
    return { path, sizeBytes: 5, files: 1, sha256: SHA, unchanged: async () => {} };
  },
};
const changing: CompanionPlace = {
  ...there,
  fetch: async (...asked) => ({
    ...(await there.fetch(...asked)),
    unchanged: async () => {
      throw new MusterError('backup_changed', 'it changed');
    },
  }),
};
const absent: CompanionPlace = {
  ...there,
  fetch: async () => {
    throw new MusterError('companion_missing', 'it is not there');
  },
};

/** A worker on which all goes well but what is said; `seen` is what was asked of it, in order. */
function workerWith(
  places: Readonly<Record<string, CompanionPlace>>,
  { restore = async () => {}, mounts = true, remote = false, others = false } = {},
) {
  const seen: string[] = [];
  const noted = (what: string): void => void seen.push(what.replaceAll(folder, ''));
  let inside = '';
  const scratch = {
    isolation: 'docker',
    limits: {},
    mounts,
    lost: new Promise(() => {}),
    diagnose: async () => undefined,
    exec: async () => ({ exitCode: 0, stdout: others ? `${inside}x` : inside, stderr: '' }),
    destroy: async () => noted('destroyed'),
  };
  const server = {
    version: '17.2',
    connectCommand: () => 'psql',
    restore: async () => {
      await restore();
      return { databases: ['shop'], bytes: 5, warnings: [] };
    },
  };
  const file = { form: 'file', name: 'a', path: '/b/a', sizeBytes: 5 } as const;
  const elsewhere = {
    form: 'remote',
    name: 'a',
    sizeBytes: 5,
    fetch: (_directory: string, _onBytes: unknown, signal: AbortSignal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          noted('fetch stopped');
          reject(signal.reason);
        });
      }),
  };
  const backup = {
    id: 'a',
    artefact: remote ? elsewhere : file,
    location: 'file:///b/a',
    mtime: NOW,
    createdAt: NOW,
    createdAtFrom: 'name',
    facts: FACTS,
  };
  let spools = 0;
  const ports = {
    repository: () => ({ location: 'file:///b', list: async () => [backup] }),
    companion: (from: { location: string }) => places[from.location] ?? there,
    spool: async () => {
      spools += 1;
      const path = join(folder, `spool${spools}`);
      return { path, remove: async () => noted(`${path} removed`) };
    },
    hostFor: async () => ({
      prepare: async () => ({ isolation: 'docker', facts: '' }),
      launch: async (_base: unknown, spec: { mounts: readonly { hostPath: string; path: string }[] }) => {
        const shown = await Promise.all(spec.mounts.slice(1).map(({ hostPath }) => stat(hostPath)));
        inside = shown.map(({ dev, ino }) => `${dev}:${ino}\n`).join('');
        noted(spec.mounts.map(({ hostPath, path }) => `${hostPath}:${path}`).join(' '));
        return scratch;
      },
    }),
    engineOf: () => ({
      admit: () => ({ user: '1:1' }),
      start: async () => server,
      examine: async () => ({ sha256: sha256('dump'), sizeBytes: 5 }),
    }),
    signer: createSigner(generateKeyPairSync('ed25519').privateKey),
    now: () => NOW,
    worker: { name: 'b', pool: 'default', cpus: 1, memoryBytes: 1 },
    musterVersion: '0.1.0',
    observe: () => {},
    output: () => {},
  } as unknown as DrillPorts;
  return { ports, seen };
}

const drill = async (ports: DrillPorts, more: { keepMs?: number } = {}) => {
  if (source === undefined) throw new Error('there is a source');
  const restorePoint = { kind: 'latest' } as const;
  const asked = { drillId: newDrillId(NOW), trigger: { kind: 'cli' }, restorePoint } as const;
  const plan = createPlan(config, source, asked);
  const request = { plan, config, source, restorePoint, ...more };
  const outcome = await runDrill(ports, request, new AbortController().signal);
  expect(checkConsistency(outcome.statement)).toEqual([]);
  return { ...outcome, predicate: outcome.statement.predicate };
};
const SHOWN = '/spool1/0/copy:/opt/models /spool1/1/copy:/opt/words';
const READ = { location: 'file:///x', sha256: SHA, size_bytes: 5, files: 1 };

describe('the companions of a drill', () => {
  it('are shown in its scratch, and removed once that is gone', async () => {
    const { ports, seen } = workerWith({});
    const { predicate } = await drill(ports);
    expect(predicate).toMatchObject({
      result: 'pass',
      companions: [
        { to: '/opt/models', ...READ },
        { to: '/opt/words', ...READ },
      ],
    });
    expect(predicate.phases.map(({ name }) => name)).toEqual([
      'locate',
      'fetch',
      'launch',
      'restore',
      'destroy',
    ]);
    expect(seen).toEqual([`/b/a:/muster/backup ${SHOWN}`, 'destroyed', '/spool1 removed']);
  });

  it('are there for as long as the scratch is kept', async () => {
    const { ports, seen } = workerWith({});
    const { kept } = await drill(ports, { keepMs: 1 });
    expect(seen).toHaveLength(1);
    await kept?.release();
    expect(seen.slice(1)).toEqual(['destroyed', '/spool1 removed']);
  });

  it('are a fail where one is missing, for which the fetching of the backup ends', async () => {
    const { ports, seen } = workerWith({ '/words': absent }, { remote: true });
    const { predicate } = await drill(ports);
    expect(predicate).toMatchObject({
      result: 'fail',
      reason: 'companion_missing',
      companions: [
        { to: '/opt/models', ...READ },
        { to: '/opt/words', location: 'file:///x' },
      ],
    });
    expect(seen).toEqual(['fetch stopped', '/spool1 removed', '/spool2 removed']);
  });

  it.each([
    ['a restore', async () => {}],
    [
      'a restore that failed',
      async () => {
        throw new MusterError('restore_failed', 'it failed');
      },
    ],
  ])('that change under %s let nothing be judged', async (_what, restore) => {
    const { ports } = workerWith({ '/words': changing }, { restore });
    expect((await drill(ports)).predicate).toMatchObject({ result: 'error', reason: 'backup_changed' });
  });

  it.each([
    ['shows nothing', { mounts: false }, 'shares no directory with its Docker host'],
    ['shows other files', { others: true }, 'something else than this worker has'],
  ])('are not relied on where the Docker host %s', async (_what, worker, why) => {
    const { ports, seen } = workerWith({}, worker);
    const { predicate, message } = await drill(ports);
    expect(predicate).toMatchObject({ result: 'error', reason: 'launch_failed' });
    expect(message).toContain(why);
    expect(seen.slice(1)).toEqual(['destroyed', '/spool1 removed']);
  });
});
