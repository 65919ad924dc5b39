import type { LookAtDrills } from '@muster/backups';
import type { Config, Source } from '@muster/core';
import type { ConfigStore } from '@muster/queue';
import type { Environment } from '../environment.js';
import { evidenceDrills, openAs } from '../evidence-drills.js';
import { openEvidenceStore } from '../evidence-store.js';
import { parseDocument } from './config-file.js';
import type { FleetQueues } from './fleet-queues.js';

/** The drills of a source as the queues of its fleet know them: what runs, what waits for its receipt to be stored, what passed. */
export const fleetDrills =
  (
    { drills, receipts, passed }: Pick<FleetQueues, 'drills' | 'receipts' | 'passed'>,
    slug: string,
  ): LookAtDrills =>
  async () => {
    // In the order in which a drill goes: whatever goes on meanwhile is in one of them at least.
    const queued = await drills.list();
    const storing = await receipts.list();
    return {
      open: [
        ...queued.flatMap(({ plan, state }) =>
          plan.source.slug === slug && (state === 'active' || state === 'abandoned') ? [openAs(plan)] : [],
        ),
        // Nobody knows yet whether it passed.
        ...storing.flatMap(({ drillId, source }) => (source === slug ? [{ drillId }] : [])),
      ],
      passed: await passed.list(slug),
    };
  };

/**
 * The drills of a source by what is in the evidence store, as far as this machine can read it. Where the configuration names
 * no store or keyring they lie beside its file, whose directory travels with it.
 */
export const writtenDrills =
  (
    environment: Environment,
    configs: Pick<ConfigStore, 'get'>,
    { configSha256 }: Pick<Config, 'configSha256'>,
    source: Source,
  ): LookAtDrills =>
  async (backups, signal) => {
    const document = await configs.get(configSha256);
    const parsed = document && parseDocument(document);
    const { store, keyring } = parsed?.ok ? parsed.read.config.evidence : {};
    if (store === undefined || keyring === undefined) return { open: [], passed: [] };
    const look = evidenceDrills(openEvidenceStore(store, environment), { keyring }, source, environment.now);
    return await look(backups, signal);
  };

const READING_MS = 30_000;

/**
 * What the fleet knows, and what is written down besides: of drills by hand. A worker need not be able to read the evidence
 * store, and then goes by the fleet alone.
 */
export const drillsOfBoth =
  (fleet: LookAtDrills, evidence: LookAtDrills): LookAtDrills =>
  async (backups, signal) => {
    const written = await evidence(backups, AbortSignal.any([signal, AbortSignal.timeout(READING_MS)])).catch(
      () => ({ open: [], passed: [] }),
    );
    signal.throwIfAborted();
    const known = await fleet(backups, signal);
    return {
      open: [...known.open, ...written.open],
      passed: [...known.passed, ...written.passed],
    };
  };
