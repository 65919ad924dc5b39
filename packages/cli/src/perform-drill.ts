import {
  createPlan,
  isMusterError,
  MusterError,
  newDrillId,
  type Plan,
  type RestorePoint,
  receiptKey,
  type Source,
} from '@muster/core';
import { createDrillSpans, type DrillOutcome, runDrill } from '@muster/drill';
import { type EvidenceStore, loadKeyring, putListing, putPlan } from '@muster/evidence';
import { drillAttributes, type OpenSpan, SPANS, span, traceIdOf, workMetrics } from '@muster/telemetry';
import type { Cli } from './cli.js';
import { openEvidenceStore } from './evidence-store.js';
import { serviceLogger } from './fleet/service-logger.js';
import { callerContext, withTelemetry } from './fleet/with-telemetry.js';
import type { LoadedConfig } from './load-config.js';
import { newestBefore } from './newest-before.js';
import { openOutputLog } from './output-log.js';
import { stateDirectory } from './places.js';
import { liveDrill } from './render/live-drill.js';
import type { DrillObserver } from './render/observer.js';
import { plainDrill } from './render/plain-drill.js';
import { openSigner } from './signing.js';
import { drillPorts } from './wiring.js';

export interface DrillAsked {
  readonly source: Source;
  readonly restorePoint: RestorePoint;
  /** Whose checks and point those are. */
  readonly schedule?: string;
  /** How long the scratch may stay up after the drill. */
  readonly keepMs?: number;
}

/** A drill whose receipt lies in the evidence store. */
export interface PerformedDrill extends DrillOutcome {
  readonly key: string;
}

/** For what must still be written when the drill itself was cancelled or ran out of time. */
const LAST_WORDS_MS = 60_000;
/** For what the last drills found. */
const LOOKING_BACK_MS = 10_000;

/** Who shows a drill while it runs: moving on a terminal, in lines elsewhere, not at all with `--quiet`. */
export function drillObserver({ output, environment }: Cli): DrillObserver {
  if (output.live) return liveDrill(output.stderr, output.errStyle, environment.now);
  return plainDrill((line) => output.note(line), environment.now);
}

/**
 * One drill from the command line, from stored plan to stored receipt.
 * @throws `evidence_unwritable`, `evidence_exists` where no receipt can be kept, and what opening keys and places throws.
 */
export async function performDrill(
  cli: Cli,
  loaded: LoadedConfig,
  asked: DrillAsked,
  observer: DrillObserver,
  signal: AbortSignal,
): Promise<PerformedDrill> {
  const { environment } = cli;
  return await withTelemetry(cli, { service: 'cli', logger: serviceLogger(cli, 'cli') }, async () => {
    const plan = createPlan(loaded.config, asked.source, {
      drillId: newDrillId(environment.now()),
      trigger: { kind: 'cli', ...(asked.schedule !== undefined && { schedule: asked.schedule }) },
      restorePoint: asked.restorePoint,
    });
    const options = { parent: callerContext(environment), attributes: drillAttributes(plan) };
    return await span(SPANS.run, options, (traced) =>
      performPlanned(cli, loaded, { ...asked, plan, traced }, observer, signal),
    );
  });
}

interface PlannedDrill extends DrillAsked {
  readonly plan: Plan;
  readonly traced: OpenSpan;
}

async function performPlanned(
  cli: Cli,
  loaded: LoadedConfig,
  { plan, traced, ...asked }: PlannedDrill,
  observer: DrillObserver,
  signal: AbortSignal,
): Promise<PerformedDrill> {
  const { environment } = cli;
  const store = openEvidenceStore(loaded.evidence.store, environment);
  // Before a key is made for what could not be kept.
  await store.probe(signal);
  const signer = await openSigner(cli, loaded, signal);
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  const spans = createDrillSpans(plan, traced, workMetrics);
  try {
    const ports = drillPorts(environment, loaded.config, {
      signer,
      observe: (event) => {
        spans.observe(event);
        observer.observe(event);
      },
      output: log.append,
    });
    if ((await putPlan(store, plan, AbortSignal.timeout(LAST_WORDS_MS))) === 'exists')
      throw alreadyThere(plan.drill_id, store.location);
    const traceId = traceIdOf(traced.context);
    const newestBefore = await lookBack(loaded, plan, environment, store, signal);
    const request = { ...asked, plan, config: loaded.config, newestBefore, traceId };
    const outcome = await runDrill(ports, request, signal);
    spans.close();
    const key = await span(SPANS.store, { attributes: drillAttributes(plan) }, () =>
      storeReceipt(store, outcome),
    );
    const { source, result, reason } = outcome.statement.predicate;
    workMetrics.drillEnded(source.kind, result, reason);
    return { ...outcome, key };
  } finally {
    spans.close();
    observer.close();
  }
}

/** A warning less is no reason to drill nothing. */
async function lookBack(
  { evidence }: LoadedConfig,
  { source, objectives }: Plan,
  { now }: Cli['environment'],
  store: EvidenceStore,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (objectives?.rpo_s !== undefined) return [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOKING_BACK_MS)]);
  return await loadKeyring(evidence.keyring)
    .then((keyring) => newestBefore(store, keyring, source.slug, now(), limit))
    .catch(() => []);
}

/** Whoever waited for the drill is told how it ended, also where nothing of it can be kept. */
async function storeReceipt(
  store: EvidenceStore,
  { statement, receipt, listing, kept }: DrillOutcome,
): Promise<string> {
  const { drill_id: drillId, source, result } = statement.predicate;
  const key = receiptKey(source.slug, drillId);
  try {
    if (listing !== undefined) await putListing(store, listing, AbortSignal.timeout(LAST_WORDS_MS));
    const stored = await store.putOnce(key, receipt, AbortSignal.timeout(LAST_WORDS_MS));
    if (stored === 'exists') throw alreadyThere(key, store.location);
    return key;
  } catch (error) {
    await kept?.release();
    if (!isMusterError(error)) throw error;
    const message = `The drill ended in ${result}, but its receipt could not be kept. ${error.message}`;
    throw new MusterError(error.code, message, { cause: error });
  }
}

function alreadyThere(what: string, location: string): MusterError {
  return new MusterError(
    'evidence_exists',
    `${what} is already in ${location}: the first one stands, and nothing was written.`,
  );
}
