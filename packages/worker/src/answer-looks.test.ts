import { createPlan, type Look, MusterError, newDrillId, parseConfig } from '@muster/core';
import type { AskedLook } from '@muster/queue';
import { expect, it } from 'vitest';
import { createLookAnswerer } from './answer-looks.js';
import type { WorkerPorts } from './worker-ports.js';

const YAML =
  'sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: /b }, restore_only: true }]';
const parsed = parseConfig(YAML, { file: 'muster.yaml', baseDirectory: '/' });
if (!parsed.ok || parsed.config.sources[0] === undefined) throw new Error('it has no faults');
const { config } = parsed;
const plan = createPlan(config, parsed.config.sources[0], {
  drillId: newDrillId(new Date()),
  trigger: { kind: 'api' },
  restorePoint: { kind: 'latest' },
});
const LOOK = { host: 'h', worker: 'w', outcome: 'run' } as Look;

function world(asked: readonly AskedLook[] = [{ digest: 'a', plan }]) {
  const waiting = [...asked];
  const told: [string, Look][] = [];
  const errors: string[] = [];
  const given = { signs: true, look: async (_signal: AbortSignal) => LOOK };
  const ports = {
    looks: {
      next: async () => waiting.shift(),
      tell: async ({ digest }: AskedLook, look: Look) => void told.push([digest, look]),
    },
    look: (_task: unknown, signal: AbortSignal) => given.look(signal),
    openSigner: async () => {
      if (!given.signs) throw new MusterError('key_unreadable', 'there is none');
    },
    logger: { error: (message: string) => void errors.push(message) },
  } as unknown as WorkerPorts;
  const answerer = createLookAnswerer(ports, 'default', async (digest) =>
    digest === config.configSha256 ? config : undefined,
  );
  return { answerer, told, errors, given };
}

it('a worker answers all that is asked of its pool, and looks once at a time', async () => {
  const w = world([
    { digest: 'a', plan },
    { digest: 'b', plan: { ...plan, config_sha256: 'gone' } },
    { digest: 'c', plan },
  ]);
  await Promise.all([w.answerer.answer(), w.answerer.answer()]);
  expect(w.told).toEqual([
    ['a', LOOK],
    ['c', LOOK],
  ]);
});

it('a worker without a key says that a drill would wait for one', async () => {
  const w = world();
  w.given.signs = false;
  await w.answerer.answer();
  expect(w.told).toEqual([['a', { ...LOOK, waits_for: 'key' }]]);
});

it('a worker that stops ends its look, and tells nobody', async () => {
  const w = world();
  const begun = Promise.withResolvers<void>();
  w.given.look = (signal) => {
    begun.resolve();
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new MusterError('cancelled', 'it was stopped')));
    });
  };
  const answering = w.answerer.answer();
  await begun.promise;
  await w.answerer.stop();
  await answering;
  expect([w.told, w.errors]).toEqual([[], []]);
});

it('a Redis that is away is no fault of a look; what nobody foresaw is said', async () => {
  const w = world([
    { digest: 'a', plan },
    { digest: 'b', plan },
  ]);
  w.given.look = () => Promise.reject(new MusterError('redis_unavailable', 'gone'));
  await w.answerer.answer();
  expect(w.errors).toEqual([]);
  w.given.look = () => Promise.reject(new Error('a bug'));
  await w.answerer.answer();
  expect(w.errors).toHaveLength(1);
});
