import { createHash } from 'node:crypto';
import { isMusterError, type Predicate, provesSource, receiptKey } from '@muster/core';
import { type EvidenceStore, getPlan, type Keyring, verifyReceipt } from '@muster/evidence';
import type { DrillIndex, IndexedReceipt } from './drill-index.js';

export interface RebuildPorts {
  readonly store: EvidenceStore;
  readonly keyring: Keyring;
  readonly index: DrillIndex;
  /** After each receipt: how many were read so far. */
  readonly onProgress?: (read: number) => void;
}

export interface Rebuilt {
  readonly indexed: number;
  /** What lies among the receipts and does not verify, in the order of the keys: it was left out. */
  readonly refused: readonly Refused[];
}

export interface Refused {
  readonly key: string;
  readonly why: string;
}

const AT_ONCE = 16;

/**
 * Makes the index anew from the receipts of the evidence store.
 * @throws what store and index throw: then the index is as it was.
 */
export async function rebuildIndex(ports: RebuildPorts, signal: AbortSignal): Promise<Rebuilt> {
  const refused: Refused[] = [];
  const indexed = await ports.index.rebuild(verified(ports, refused, signal), signal);
  return { indexed, refused };
}

async function* verified(
  { store, keyring, onProgress }: RebuildPorts,
  refused: Refused[],
  signal: AbortSignal,
): AsyncGenerator<IndexedReceipt> {
  let read = 0;
  for await (const outcome of inOrder(store.list('receipts/', signal), (key) =>
    readReceipt(store, keyring, key, signal),
  )) {
    read += 1;
    onProgress?.(read);
    if ('why' in outcome) refused.push(outcome);
    else yield outcome;
  }
}

async function readReceipt(
  store: EvidenceStore,
  keyring: Keyring,
  key: string,
  signal: AbortSignal,
): Promise<IndexedReceipt | Refused> {
  const bytes = await store.get(key, signal);
  const { exitCode, statement, steps } = await verifyReceipt(bytes, { keyring, requirePass: false }, signal);
  if (exitCode !== 0 || statement === undefined) return { key, why: steps.at(-1)?.detail ?? 'malformed' };
  const { source, drill_id: drillId } = statement.predicate;
  if (receiptKey(source.slug, drillId) !== key) return { key, why: `it is the receipt of ${drillId}` };
  const proves = await doesProve(store, statement.predicate, signal);
  return { statement, key, sha256: createHash('sha256').update(bytes).digest('hex'), proves };
}

/** As the sink said of it: by its plan, which is read where it matters. Schedules ask all checks. */
async function doesProve(store: EvidenceStore, predicate: Predicate, signal: AbortSignal): Promise<boolean> {
  if (!provesSource(predicate, {})) return false;
  if (predicate.trigger.kind === 'schedule') return true;
  try {
    return provesSource(predicate, await getPlan(store, predicate.source.slug, predicate.drill_id, signal));
  } catch (error) {
    // Nobody can say that it was asked everything.
    if (isMusterError(error, 'evidence_not_found') || isMusterError(error, 'evidence_malformed'))
      return false;
    throw error;
  }
}

/** Works on a few keys at once, and yields in their order. */
async function* inOrder<T>(
  keys: AsyncIterable<string>,
  work: (key: string) => Promise<T>,
): AsyncGenerator<T> {
  const running: Promise<T>[] = [];
  for await (const key of keys) {
    const next = work(key);
    // Its fault is told when its turn comes.
    next.catch(() => undefined);
    running.push(next);
    const first = running.length < AT_ONCE ? undefined : running.shift();
    if (first !== undefined) yield await first;
  }
  for (const rest of running) yield await rest;
}
