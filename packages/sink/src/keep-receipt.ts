import { createHash } from 'node:crypto';
import { release, type } from 'node:os';
import {
  canonicalJson,
  DRILL_ID,
  isMusterError,
  type Plan,
  receiptKey,
  type Statement,
  type Unfinished,
  unfinishedStatement,
} from '@muster/core';
import { getPlan, putPlan, type Verification } from '@muster/evidence';
import type { ReceiptJob } from '@muster/queue';
import { strayFrom } from './belongs-to-plan.js';
import type { SinkPorts } from './sink-ports.js';

export interface Keeping {
  readonly ports: SinkPorts;
  readonly verify: (receipt: Uint8Array) => Promise<Verification>;
}

/** One call to the evidence store or the index. */
const CALL_MS = 60_000;
const limit = (): AbortSignal => AbortSignal.timeout(CALL_MS);

/**
 * One message: verified, stored, indexed, told; in this order, so that whatever dies on the way, it comes again and
 * nothing is done twice. What does not verify goes to quarantine, and never further.
 * @throws `evidence_unwritable`, `index_unavailable`, `redis_unavailable`, `key_unreadable`: it is to come again.
 */
export async function keepReceipt(keeping: Keeping, message: ReceiptJob): Promise<void> {
  if (message.type === 'unfinished') return await keepUnfinished(keeping, message);
  const { ports, verify } = keeping;
  const bytes = new TextEncoder().encode(message.bundle);
  const { statement, exitCode, steps } = await verify(bytes);
  if (exitCode !== 0 || statement === undefined) {
    return await quarantine(ports, message.drill_id, bytes, steps.at(-1)?.detail ?? 'it does not verify');
  }
  const faults = await faultsOf(ports, statement, message);
  if (faults.length > 0) return await quarantine(ports, message.drill_id, bytes, faults.join('; '));
  await store(keeping, statement, bytes);
}

/** What of an authentic receipt is not what was asked of this worker. */
async function faultsOf(
  { store: evidence }: SinkPorts,
  statement: Statement,
  { drill_id: drillId, source }: Extract<ReceiptJob, { type: 'receipt' }>,
): Promise<readonly string[]> {
  const { predicate } = statement;
  if (predicate.issued_by === 'sink') return ['only a sink says that a drill was not finished'];
  if (predicate.drill_id !== drillId || predicate.source.slug !== source)
    return ['it is that of another drill'];
  try {
    return strayFrom(statement, await getPlan(evidence, source, drillId, limit()));
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return ['nobody planned that drill'];
    throw error;
  }
}

/** A drill that no worker finished: signed here, unless a receipt is there already. */
export async function keepUnfinished(keeping: Keeping, unfinished: Unfinished): Promise<void> {
  const { ports } = keeping;
  const { plan } = unfinished;
  const { slug } = plan.source;
  if ((await putPlan(ports.store, plan, limit())) === 'exists') {
    const planned = await getPlan(ports.store, slug, plan.drill_id, limit());
    if (canonicalJson(planned) !== canonicalJson(plan)) {
      const bytes = new TextEncoder().encode(canonicalJson(plan));
      return await quarantine(ports, plan.drill_id, bytes, 'it is not what was planned');
    }
  }
  const there = await stored(ports, plan);
  if (there !== undefined) return await finish(keeping, there);
  const statement = unfinishedStatement(unfinished, {
    ...ports.issuer,
    nodeVersion: process.version,
    os: `${type()} ${release()}`,
    now: ports.now(),
  });
  await store(keeping, statement, ports.signer.sign(statement));
}

async function stored({ store: evidence }: SinkPorts, plan: Plan): Promise<Uint8Array | undefined> {
  try {
    return await evidence.get(receiptKey(plan.source.slug, plan.drill_id), limit());
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return undefined;
    throw error;
  }
}

/** The first valid receipt stands. */
async function store(keeping: Keeping, { predicate }: Statement, bytes: Uint8Array): Promise<void> {
  const { ports } = keeping;
  const { drill_id: drillId, source } = predicate;
  const key = receiptKey(source.slug, drillId);
  if ((await ports.store.putOnce(key, bytes, limit())) === 'stored') return await finish(keeping, bytes);
  const first = await ports.store.get(key, limit());
  if (sha256Hex(first) !== sha256Hex(bytes)) {
    ports.logger.warn('superseded: the first receipt of this drill stands', { drill_id: drillId });
  }
  await finish(keeping, first);
}

/** What lies in the evidence store is indexed, and told to whoever waits for it. */
async function finish({ ports, verify }: Keeping, bytes: Uint8Array): Promise<void> {
  const { statement, exitCode, steps } = await verify(bytes);
  if (exitCode !== 0 || statement === undefined) {
    ports.logger.error('a stored receipt does not verify, and is not indexed', undefined, {
      why: steps.at(-1)?.detail,
    });
    return;
  }
  const { drill_id: drillId, source, result, reason } = statement.predicate;
  const key = receiptKey(source.slug, drillId);
  await ports.index.put({ statement, key, sha256: sha256Hex(bytes) }, limit());
  await ports.drills.forget(drillId);
  await ports.states.settle(drillId);
  await ports.events.publish(drillId, { type: 'stored', result, ...(reason && { reason }), key });
  ports.logger.info('receipt kept', { drill_id: drillId, source: source.slug, result, reason });
}

/** Kept beside the evidence, for people to look into; reported as an error. */
export async function quarantine(
  { store: evidence, logger }: Pick<SinkPorts, 'store' | 'logger'>,
  drillId: string,
  bytes: Uint8Array,
  why: string,
): Promise<void> {
  const key = `quarantine/${DRILL_ID.test(drillId) ? drillId : 'unknown'}/${sha256Hex(bytes)}.json`;
  await evidence.putOnce(key, bytes, limit());
  logger.error('receipt in quarantine', undefined, { drill_id: drillId, key, why });
}

const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
