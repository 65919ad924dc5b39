import {
  type CatalogueEntry,
  isDrillOf,
  type LastDrill,
  lastDrill,
  type Predicate,
  type Source,
} from '@muster/core';
import { loadKeyring } from '@muster/evidence';
import type { Cli } from './cli.js';
import { openEvidenceStore } from './evidence-store.js';
import type { EvidencePlaces } from './load-config.js';
import { newestReceipts } from './newest-receipts.js';

/** Of a source: what was drilled before is no longer looked for. */
const BOUNDS = { months: 12, receipts: 200 };

/**
 * The drills of these backups, newest first, by the receipts of their source that verify: those of its last 200 drills.
 * `most` of each. @throws what the evidence store and the keyring throw.
 */
export async function drillsOf(
  { environment }: Pick<Cli, 'environment'>,
  evidence: EvidencePlaces,
  { slug }: Source,
  backups: readonly CatalogueEntry[],
  most: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly LastDrill[]>> {
  const found = new Map<string, LastDrill[]>(backups.map(({ id }) => [id, []]));
  if (backups.length === 0) return found;
  const store = openEvidenceStore(evidence.store, environment);
  const keyring = () => loadKeyring(evidence.keyring);
  const receipts = newestReceipts(store, keyring, { slug, now: environment.now() }, BOUNDS, signal);
  const missing = new Set(found.keys());
  for await (const receipt of receipts) {
    const drilled = backupOf(receipt, backups);
    const drills = drilled && found.get(drilled.id);
    if (drilled === undefined || drills === undefined || drills.length === most) continue;
    drills.push(lastDrill(receipt));
    if (drills.length === most) missing.delete(drilled.id);
    if (missing.size === 0) break;
  }
  return found;
}

const backupOf = (receipt: Predicate, backups: readonly CatalogueEntry[]): CatalogueEntry | undefined =>
  backups.find((backup) => isDrillOf(receipt, backup));
