import { createHash } from 'node:crypto';
import { release, type } from 'node:os';
import {
  canonicalJson,
  DRILL_ID,
  hasPassed,
  isMusterError,
  MusterError,
  newestMark,
  type Plan,
  provesSource,
  receiptKey,
  type Statement,
  type Unfinished,
  unfinishedStatement,
} from '@muster/core';
import { getPlan, putInQuarantine, putListing, putPlan, type Verification } from '@muster/evidence';
import { RECEIPTS, type ReceiptJob } from '@muster/queue';
import {
  ATTRIBUTES,
  contextOf,
  failActive,
  messagingAttributes,
  SPANS,
  span,
  tallyOf,
  traceIdOf,
  workMetrics,
} from '@muster/telemetry';
import { strayFrom } from './belongs-to-plan.js';
import type { SinkPorts } from './sink-ports.js';

export interface Keeping {
  readonly ports: SinkPorts;
  /** With the listing that a random choice was drawn from, it is drawn again. */
  readonly verify: (receipt: Uint8Array, listing?: Uint8Array) => Promise<Verification>;
}

/** One call to the evidence store or the index. */
const CALL_MS = 60_000;
const limit = (): AbortSignal => AbortSignal.timeout(CALL_MS);

/**
 * One message: verified, stored, indexed, told; in this order, so that whatever dies on the way, it comes again and
 * nothing is done twice. What does not verify goes to quarantine, and never further.
 * @throws `evidence_unwritable`, `index_unavailable`, `redis_unavailable`, `key_unreadable`, `key_invalid`: it is to come
 *   again.
 */
export async function keepReceipt(keeping: Keeping, message: ReceiptJob): Promise<void> {
  const drill = drillOf(message);
  const attributes = {
    ...messagingAttributes(RECEIPTS, 'process', drill.id),
    [ATTRIBUTES.drill]: drill.id,
    [ATTRIBUTES.source]: drill.slug,
  };
  const options = { kind: 'consumer', parent: contextOf(message), attributes } as const;
  await span(SPANS.store, options, ({ context }) =>
    message.type === 'unfinished'
      ? keepUnfinished(keeping, { ...message, traceId: traceIdOf(context) })
      : keepSigned(keeping, drill, message),
  );
}

async function keepSigned(keeping: Keeping, drill: Drill, message: SignedMessage): Promise<void> {
  const { ports } = keeping;
  const bytes = new TextEncoder().encode(message.bundle);
  const listing = message.listing === undefined ? undefined : new TextEncoder().encode(message.listing);
  const read = await readReceipt(keeping, drill, bytes, listing);
  if ('why' in read) return await quarantine(ports, drill, bytes, read.why);
  if (read.statement.predicate.restore_point.listing_sha256 !== undefined) {
    if (message.listing === undefined)
      return await quarantine(ports, drill, bytes, 'the listing that it was drawn from did not come with it');
    await putListing(ports.store, message.listing, limit());
  }
  if (read.statement.predicate.issued_by === 'sink') {
    return await quarantine(ports, drill, bytes, 'only a sink says that a drill was not finished');
  }
  await store(keeping, drill, { bytes, ...read });
}

type SignedMessage = Extract<ReceiptJob, { type: 'receipt' }>;

interface Drill {
  readonly id: string;
  readonly slug: string;
}

function drillOf(message: ReceiptJob): Drill {
  if (message.type === 'receipt') return { id: message.drill_id, slug: message.source };
  return { id: message.plan.drill_id, slug: message.plan.source.slug };
}

interface Receipt {
  readonly bytes: Uint8Array;
  readonly statement: Statement;
  readonly plan: Plan;
}

/** What an authentic receipt says of this drill, as it was planned; or why it is none. */
async function readReceipt(
  { ports, verify }: Keeping,
  { id, slug }: Drill,
  bytes: Uint8Array,
  listing?: Uint8Array,
): Promise<Omit<Receipt, 'bytes'> | { readonly why: string }> {
  const { statement, exitCode, steps } = await verify(bytes, listing);
  if (exitCode !== 0 || statement === undefined) {
    return { why: steps.at(-1)?.detail ?? 'it does not verify' };
  }
  const { drill_id: drillId, source } = statement.predicate;
  if (drillId !== id || source.slug !== slug) return { why: 'it is that of another drill' };
  try {
    const plan = await getPlan(ports.store, slug, id, limit());
    const faults = strayFrom(statement, plan);
    return faults.length === 0 ? { statement, plan } : { why: faults.join('; ') };
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return { why: 'nobody planned that drill' };
    if (isMusterError(error, 'evidence_malformed')) return { why: 'what lies in place of its plan is none' };
    throw error;
  }
}

/** A drill that no worker finished: signed here, unless a receipt is there already. */
async function keepUnfinished(keeping: Keeping, unfinished: Unfinished): Promise<void> {
  const { ports } = keeping;
  const { plan } = unfinished;
  const drill: Drill = { id: plan.drill_id, slug: plan.source.slug };
  const refuse = (why: string): Promise<void> =>
    quarantine(ports, drill, new TextEncoder().encode(canonicalJson(plan)), why);

  const receipt = await signUnfinished(keeping, unfinished);
  if (receipt === undefined) return await refuse('no receipt can be written of such a plan');
  if (!(await isPlanned(ports, plan))) return await refuse('it is not what was planned');
  const there = await stored(ports, drill);
  await (there === undefined ? store(keeping, drill, receipt) : finishStored(keeping, drill, there));
}

/** Written down here where nobody could before. */
async function isPlanned({ store: evidence }: SinkPorts, plan: Plan): Promise<boolean> {
  if ((await putPlan(evidence, plan, limit())) === 'stored') return true;
  try {
    const planned = await getPlan(evidence, plan.source.slug, plan.drill_id, limit());
    return canonicalJson(planned) === canonicalJson(plan);
  } catch (error) {
    if (isMusterError(error, 'evidence_malformed')) return false;
    throw error;
  }
}

/** The sink's own receipt, verified as a stranger will; undefined where none that verifies can be written. */
async function signUnfinished(keeping: Keeping, unfinished: Unfinished): Promise<Receipt | undefined> {
  const { ports, verify } = keeping;
  // Clocks of hosts may tell a story of the tries that contradicts itself: a receipt without them is better than none.
  for (const attempts of [unfinished.attempts, []]) {
    const bytes = trySign(ports, { ...unfinished, attempts });
    if (bytes === undefined) continue;
    const { exitCode, statement } = await verify(bytes);
    if (exitCode === 0 && statement !== undefined) return { bytes, statement, plan: unfinished.plan };
    if (exitCode === 1) throw notInKeyring(ports);
    const of = { drill_id: unfinished.plan.drill_id };
    ports.logger.warn('what is known of the tries of this drill contradicts itself', of);
  }
  return undefined;
}

function trySign({ signer, issuer, now }: SinkPorts, unfinished: Unfinished): Uint8Array | undefined {
  const os = `${type()} ${release()}`;
  const whole = { ...issuer, nodeVersion: process.version, os, now: now() };
  try {
    return signer.sign(unfinishedStatement(unfinished, whole));
  } catch (error) {
    if (isMusterError(error, 'internal')) return undefined;
    throw error;
  }
}

function notInKeyring({ signer }: SinkPorts): MusterError {
  return new MusterError(
    'key_invalid',
    `The sink signs with the key ${signer.keyId}, which the keyring does not hold: put its public key there. Until then drills that no worker finished wait for their receipts.`,
  );
}

async function stored({ store: evidence }: SinkPorts, { id, slug }: Drill): Promise<Uint8Array | undefined> {
  try {
    return await evidence.get(receiptKey(slug, id), limit());
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return undefined;
    throw error;
  }
}

/** The first valid receipt stands. */
async function store(keeping: Keeping, drill: Drill, receipt: Receipt): Promise<void> {
  const { ports } = keeping;
  const key = receiptKey(drill.slug, drill.id);
  if ((await ports.store.putOnce(key, receipt.bytes, limit())) === 'stored') {
    const { source, result, reason } = receipt.statement.predicate;
    workMetrics.drillEnded(source.kind, result, reason);
    await ports.tallies.add(tallyOf(receipt.statement.predicate));
    return await finish(ports, drill, receipt);
  }
  const first = await ports.store.get(key, limit());
  if (sha256Hex(first) === sha256Hex(receipt.bytes)) return await finish(ports, drill, receipt);
  ports.logger.warn('superseded: the first receipt of this drill stands', { drill_id: drill.id });
  await finishStored(keeping, drill, first);
}

/** The same for what was in the evidence store before: whoever may write there can have put it there. */
async function finishStored(keeping: Keeping, drill: Drill, bytes: Uint8Array): Promise<void> {
  const { ports } = keeping;
  const read = await readReceipt(keeping, drill, bytes);
  if (!('why' in read)) return await finish(ports, drill, { bytes, ...read });
  ports.logger.error('the stored receipt does not verify, and is not indexed', undefined, {
    drill_id: drill.id,
    key: receiptKey(drill.slug, drill.id),
    why: read.why,
  });
  await ports.drills.forget(drill.id);
}

/** What lies in the evidence store is indexed, and told to whoever waits for it. */
async function finish(
  ports: SinkPorts,
  { id, slug }: Drill,
  { bytes, statement, plan }: Receipt,
): Promise<void> {
  const key = receiptKey(slug, id);
  const { result, reason } = statement.predicate;
  const proves = provesSource(statement.predicate, plan);
  const attributes = {
    [ATTRIBUTES.drill]: id,
    [ATTRIBUTES.source]: slug,
    [ATTRIBUTES.verdict]: result,
    ...(reason && { [ATTRIBUTES.reason]: reason }),
  };
  await span(SPANS.index, { kind: 'client', attributes }, () =>
    ports.index.put({ statement, key, sha256: sha256Hex(bytes), proves }, limit()),
  );
  const { newest_backup: newest, backup } = statement.predicate;
  if (newest !== undefined) await ports.newest.note(slug, id, newestMark(newest));
  if (backup !== undefined && hasPassed(statement.predicate))
    await ports.passed.note(slug, id, { id: backup.id, ...(backup.sha256 && { sha256: backup.sha256 }) });
  await ports.drills.forget(id);
  await ports.states.settle(id);
  await ports.quarantined.forget(id);
  await ports.events.publish(id, { type: 'stored', result, ...(reason && { reason }), key });
  ports.logger.info('receipt kept', { drill_id: id, source: slug, result, reason });
}

/** Kept beside the evidence, for people to look into; reported as an error, and to whoever waits for the drill. */
export async function quarantine(
  { store: evidence, quarantined, logger, now }: SinkPorts,
  { id, slug }: Pick<Drill, 'id'> & Partial<Drill>,
  bytes: Uint8Array,
  why: string,
): Promise<void> {
  const key = await putInQuarantine(evidence, { id, bytes, why, at: now() }, limit());
  failActive('quarantined');
  if (DRILL_ID.test(id) && slug !== undefined)
    await quarantined.note({ drillId: id, source: slug, why }, now());
  logger.error('receipt in quarantine', undefined, { drill_id: id, key, why });
}

const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
