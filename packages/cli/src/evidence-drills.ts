import type { LookAtDrills, OpenDrill, PassedBackup } from '@muster/backups';
import { drillTime, hasPassed, isMusterError, type Plan, restorePointOf, type Source } from '@muster/core';
import { type EvidenceStore, getPlan, loadKeyring } from '@muster/evidence';
import type { EvidencePlaces } from './load-config.js';
import { drillIdOf, newestKeys, newestReceipts } from './newest-receipts.js';

/** A drill of a fleet waits so long for room, and is tried three times: then it has a receipt, or nothing comes of it. */
const WAITING_MS = 24 * 60 * 60 * 1000;
const TRIES = 3;

/** From the time of a drill to its end. */
const mostWaiting = ({ limits }: Source): number => WAITING_MS + TRIES * limits.drill;

/** Of those that passed: what is further back than this is no longer known to have. */
const BOUNDS = { months: 24, receipts: 2_000 };

/**
 * The drills of a source by what is written down of them: a plan before each begins, a receipt when it is over. So it
 * holds for every host whose drills go into this store, with a fleet or without. Receipts count that verify.
 */
export const evidenceDrills =
  (
    store: EvidenceStore,
    { keyring }: Pick<EvidencePlaces, 'keyring'>,
    source: Source,
    now: () => Date,
  ): LookAtDrills =>
  async (backups, signal) => {
    // First what is open: a drill that ends meanwhile is in both, and not in neither.
    const open = await openDrills(store, source, now(), signal);
    const passed: PassedBackup[] = [];
    const createdAt = new Map(backups.map((backup) => [backup.id, backup.createdAt]));
    const oldest = backups.at(-1)?.createdAt.getTime();
    let newest: Date | undefined;
    const waitingMs = mostWaiting(source);
    const receipts = newestReceipts(
      store,
      () => loadKeyring(keyring),
      { slug: source.slug, now: now() },
      { ...BOUNDS, since: oldest === undefined ? undefined : new Date(oldest - waitingMs) },
      signal,
    );
    for await (const receipt of receipts) {
      const { drill_id: drillId, backup } = receipt;
      // A drill has the time at which it was due: what it took may have been made while it waited.
      if (newest !== undefined && drillTime(drillId).getTime() + waitingMs < newest.getTime()) break;
      const at = backup && createdAt.get(backup.id);
      if (backup === undefined || at === undefined || !hasPassed(receipt)) continue;
      passed.push({ id: backup.id, ...(backup.sha256 !== undefined && { sha256: backup.sha256 }) });
      if (newest === undefined || at > newest) newest = at;
    }
    return { passed, open };
  };

/** Those with a plan and without a receipt that may still run. */
async function openDrills(
  store: EvidenceStore,
  source: Source,
  now: Date,
  signal: AbortSignal,
): Promise<readonly OpenDrill[]> {
  const { slug } = source;
  const since = now.getTime() - mostWaiting(source);
  const idsOf = async (prefix: string): Promise<string[]> => {
    const ids: string[] = [];
    for await (const key of newestKeys(store, `${prefix}/${slug}`, now, MONTHS, signal)) {
      const id = drillIdOf(key);
      if (drillTime(id).getTime() < since) break;
      ids.push(id);
    }
    return ids;
  };
  const planned = await idsOf('plans');
  const ended = new Set(await idsOf('receipts'));
  return await Promise.all(
    planned.filter((id) => !ended.has(id)).map((drillId) => openDrill(store, slug, drillId, signal)),
  );
}

/** The longest limit of a drill is of 24 days, and of its three tries not much more than two months. */
const MONTHS = 4;

async function openDrill(
  store: EvidenceStore,
  slug: string,
  drillId: string,
  signal: AbortSignal,
): Promise<OpenDrill> {
  try {
    return openAs(await getPlan(store, slug, drillId, signal));
  } catch (error) {
    if (isMusterError(error, 'evidence_malformed')) return { drillId };
    throw error;
  }
}

/** A drill that may be reading what its plan asks for; of a plan of a later Muster that may be any backup. */
export function openAs(plan: Plan): OpenDrill {
  const drillId = plan.drill_id;
  try {
    return { drillId, restorePoint: restorePointOf(plan) };
  } catch (error) {
    if (isMusterError(error, 'not_supported_yet')) return { drillId };
    throw error;
  }
}
