import { DRILL_ID, MusterError } from '@muster/core';
import { getListing, type Verification, verifyReceipt } from '@muster/evidence';
import type { Cli } from './cli.js';
import { openEvidenceStore } from './evidence-store.js';
import type { LoadedConfig } from './load-config.js';
import { drillIdOf } from './newest-receipts.js';
import { readKeyring } from './read-keyring.js';

export interface StoredReceipt {
  readonly drillId: string;
  readonly key: string;
  readonly verification: Verification;
}

/** Reads of the store at the same time: each waits for a network most of its time. */
const AT_ONCE = 16;

/** Every receipt in the evidence store, verified against the keyring, oldest drill first. */
export async function readReceipts(
  { evidence }: Pick<LoadedConfig, 'evidence'>,
  cli: Cli,
  wanted: { readonly source?: string | undefined; readonly drillId?: string },
  signal: AbortSignal,
): Promise<readonly StoredReceipt[]> {
  const store = openEvidenceStore(evidence.store, cli.environment);
  const prefix = wanted.source === undefined ? 'receipts/' : `receipts/${wanted.source}/`;
  const keys: string[] = [];
  for await (const key of store.list(prefix, signal)) {
    const id = drillIdOf(key);
    if (DRILL_ID.test(id) && (wanted.drillId === undefined || id === wanted.drillId)) keys.push(key);
  }
  if (keys.length === 0) return [];
  const keyring = await readKeyring(cli, evidence.keyring);
  const receipts: StoredReceipt[] = [];
  const read = async (key: string): Promise<StoredReceipt> => {
    const bytes = await store.get(key, signal);
    const listing =
      wanted.drillId === undefined ? undefined : (digest: string) => getListing(store, digest, signal);
    const verification = await verifyReceipt(bytes, { keyring, requirePass: false, listing }, signal);
    return { drillId: drillIdOf(key), key, verification };
  };
  keys.sort((a, b) => (drillIdOf(a) < drillIdOf(b) ? -1 : 1));
  for (let at = 0; at < keys.length; at += AT_ONCE)
    receipts.push(...(await Promise.all(keys.slice(at, at + AT_ONCE).map(read))));
  return receipts;
}

/** @throws `usage` where that is no id, `evidence_not_found`. */
export async function readReceipt(
  loaded: Pick<LoadedConfig, 'evidence'>,
  cli: Cli,
  drillId: string,
  signal: AbortSignal,
): Promise<StoredReceipt> {
  if (!DRILL_ID.test(drillId))
    throw new MusterError('usage', 'That is not the id of a drill: ids are drl_ and 26 characters.');
  const [receipt] = await readReceipts(loaded, cli, { drillId }, signal);
  if (receipt !== undefined) return receipt;
  throw new MusterError(
    'evidence_not_found',
    `There is no receipt of ${drillId} in ${loaded.evidence.store.location}: muster drill list shows those there are.`,
  );
}
