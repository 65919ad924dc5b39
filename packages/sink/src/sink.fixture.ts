import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attempt, Plan, Predicate } from '@muster/core';
import {
  createDirectoryStore,
  createSigner,
  generateKeyPair,
  loadKeyring,
  putPlan,
  type Signer,
  writeKeyPair,
} from '@muster/evidence';
import type { IndexedReceipt } from '@muster/index';
import type { FleetEvent, ReceiptConsumerOptions, ReceiptJob } from '@muster/queue';
import { createLogger } from '@muster/telemetry';
import { planOf, statementOf } from '../../../test/support/receipt-builder.ts';
import { startSink } from './sink.js';
import type { RunningSink, SinkPorts } from './sink-ports.js';

export const { signal } = new AbortController();
export const ASKED = new Date('2026-11-20T03:00:00.000Z');

/** A worker's drill that passed. */
export function drilled(changes: Partial<Predicate> = {}) {
  const statement = statementOf(ASKED, changes);
  return { statement, plan: planOf(statement), id: statement.predicate.drill_id };
}

export const messageOf = (
  { statement }: Pick<ReturnType<typeof drilled>, 'statement'>,
  signer: Signer,
): Extract<ReceiptJob, { type: 'receipt' }> => ({
  type: 'receipt',
  drill_id: statement.predicate.drill_id,
  source: statement.predicate.source.slug,
  attempt: 1,
  bundle: Buffer.from(signer.sign(statement)).toString(),
});

export async function signerIn(keyring: string): Promise<Signer> {
  const pair = generateKeyPair();
  await writeKeyPair(pair, { privateKey: join(keyring, '..', `${pair.keyId}.key`), keyring }, signal);
  return createSigner(createPrivateKey(pair.privateKeyPem));
}

/** A sink with a real key, keyring and store; what is a queue or an index elsewhere is in memory, and can be faulty. */
export async function sinkInMemory(overrides: Partial<SinkPorts> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'muster-sink-'));
  const keys = join(folder, 'keys');
  const signer = await signerIn(keys);
  const store = createDirectoryStore(join(folder, 'evidence'));
  const seen = {
    indexed: new Map<string, IndexedReceipt>(),
    events: [] as FleetEvent[],
    settled: [] as string[],
    newest: new Map<string, string>(),
    passed: new Map<string, string>(),
    tallied: [] as ReadonlyMap<string, number>[],
    quarantined: new Map<string, string>(),
    log: [] as Record<string, unknown>[],
  };
  const queue = {
    abandoned: [] as Plan[],
    onTheirWay: new Set<string>(),
    cancelled: new Set<string>(),
    attempts: [] as readonly Attempt[],
  };
  let consumer: ReceiptConsumerOptions | undefined;
  const ports: SinkPorts = {
    consumeReceipts: (options) => {
      consumer = options;
      return { ready: Promise.resolve(), close: async () => {} };
    },
    drills: {
      abandoned: async () => queue.abandoned.map((plan) => ({ plan })),
      forget: async (id) => {
        queue.abandoned = queue.abandoned.filter((plan) => plan.drill_id !== id);
      },
    },
    receipts: { holds: async (id) => queue.onTheirWay.has(id) },
    states: {
      attempts: async () => queue.attempts,
      cancelRequested: async (id) => queue.cancelled.has(id),
      settle: async (id) => void seen.settled.push(id),
    },
    newest: { note: async (_, id, mark) => void seen.newest.set(id, mark) },
    passed: { note: async (_, id, backup) => void seen.passed.set(id, backup.id) },
    tallies: { add: async (amounts) => void seen.tallied.push(amounts) },
    events: { publish: async (_, event) => void seen.events.push(event), underWay: async () => ({}) },
    quarantined: {
      note: async ({ drillId, source, why }) => void seen.quarantined.set(drillId, `${source}: ${why}`),
      forget: async (id) => void seen.quarantined.delete(id),
    },
    store,
    index: {
      put: async (receipt) => {
        const id = receipt.statement.predicate.drill_id;
        if (!seen.indexed.has(id)) seen.indexed.set(id, receipt);
      },
    },
    keyring: () => loadKeyring(keys),
    signer,
    issuer: { host: 'sink-host', musterVersion: '0.1.0' },
    logger: createLogger({
      service: 'sink',
      pretty: false,
      stream: { write: (line) => seen.log.push(JSON.parse(line)) },
    }),
    now: () => new Date(ASKED.getTime() + 60_000),
    ...overrides,
  };
  let running: RunningSink | undefined;
  return {
    keys,
    signer,
    store,
    queue,
    ...seen,
    plan: (plan: Plan) => putPlan(store, plan, signal),
    start: async () => {
      running = startSink(ports);
      await running.ready;
    },
    deliver: async (message: ReceiptJob) => await consumer?.handle(message),
    /** As a queue tells it: what a receipt that is to come again failed of. */
    fails: async (message: ReceiptJob): Promise<void> => {
      const failed = await consumer?.handle(message).then(
        () => undefined,
        (error: Error) => error,
      );
      if (failed === undefined) throw new Error('it did not fail');
      consumer?.onError(failed);
    },
    deliverMalformed: async (jobId: string, data: unknown) => await consumer?.handleMalformed(jobId, data),
    keysIn: (prefix: string) => Array.fromAsync(store.list(prefix, signal)),
    logged: (level: string) => seen.log.filter((line) => line['level'] === level),
    close: async () => {
      await running?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
