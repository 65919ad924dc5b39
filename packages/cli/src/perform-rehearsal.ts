import { MusterError, newRehearsalId, type RehearsalPredicate, rehearsalKey } from '@muster/core';
import {
  REHEARSAL_URI,
  type RehearsalEvent,
  type RehearsalOutcome,
  type RehearsalRequest,
  rehearse,
} from '@muster/drill';
import type { EvidenceStore } from '@muster/evidence';
import type { Cli } from './cli.js';
import { openEvidenceStore } from './evidence-store.js';
import type { LoadedConfig } from './load-config.js';
import { openOutputLog } from './output-log.js';
import { createTakeBackup } from './perform-take.js';
import { stateDirectory } from './places.js';
import { openSigner } from './signing.js';
import { drillPorts } from './wiring.js';

export interface PerformedRehearsal extends RehearsalOutcome {
  readonly predicate: RehearsalPredicate;
  /** Of its receipt in the evidence store. */
  readonly key: string;
  /** What tools printed. */
  readonly outputFile: string;
}

/** For what must still be written when the rehearsal itself was cancelled. */
const LAST_WORDS_MS = 60_000;

/** One rehearsal, up to its stored receipt. @throws `evidence_unwritable`, `evidence_exists`, what opening keys and places throws. */
export async function performRehearsal(
  cli: Cli,
  loaded: LoadedConfig,
  source: RehearsalRequest['source'],
  observe: (event: RehearsalEvent) => void,
  signal: AbortSignal,
): Promise<PerformedRehearsal> {
  const { environment } = cli;
  const { config } = loaded;
  const store = openEvidenceStore(loaded.evidence.store, environment);
  await store.probe(signal);
  const signer = await openSigner(cli, loaded, signal);
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  const rehearsalId = newRehearsalId(environment.now());
  const { observe: _, ...ports } = drillPorts(environment, config, {
    signer,
    observe: () => undefined,
    output: log.append,
  });
  // Of this rehearsal's own server, and seen by its takes alone.
  const takeFrom = (uri: string) =>
    createTakeBackup({ ...environment, env: { ...environment.env, [REHEARSAL_URI]: uri } }, config);
  const outcome = await rehearse({ ...ports, takeFrom, observe }, { rehearsalId, config, source }, signal);
  const key = rehearsalKey(source.slug, rehearsalId);
  await storeReceipt(store, key, outcome.receipt);
  return { ...outcome, predicate: outcome.statement.predicate, key, outputFile: log.pathOf(rehearsalId) };
}

async function storeReceipt(store: EvidenceStore, key: string, receipt: Uint8Array): Promise<void> {
  if ((await store.putOnce(key, receipt, AbortSignal.timeout(LAST_WORDS_MS))) !== 'exists') return;
  throw new MusterError(
    'evidence_exists',
    `${key} is already in ${store.location}: the first one stands, and nothing was written.`,
  );
}
