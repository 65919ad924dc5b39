import type { Answer, Check, Config } from '@muster/core';
import type { DrillPorts, LookPorts } from '@muster/drill';
import { type AskOptions, attachTo, engineOf, liveDumperOf } from '@muster/engines';
import {
  chooseHost,
  type HostOptions,
  type HostRequest,
  openSpool,
  type ScratchHost,
  type WantedImage,
} from '@muster/scratch';
import { backupRepository } from './backup-repository.js';
import { companionPlace } from './companion-place.js';
import type { Environment } from './environment.js';
import type { KeptEntry } from './kept-register.js';
import { runtimeDirectory, stateDirectory } from './places.js';
import { resolveSecret } from './resolve-secret.js';
import { musterVersion } from './version.js';

/** Longer than any drill may take: a time limit is of 24 days at most. */
const SPOOL_MS = 30 * 86_400_000;

/** Makes the directory for what is fetched for a drill, or for a restore, by its id. */
export const spoolOf =
  (environment: Environment): DrillPorts['spool'] =>
  (id) =>
    openSpool(stateDirectory(environment), {
      drill: id,
      expiresAt: new Date(environment.now().getTime() + SPOOL_MS),
    });

/** What differs from one drill to the next. */
export interface DrillHooks extends Pick<DrillPorts, 'signer' | 'observe' | 'output'> {
  /** Hears why a scratch runs in bubblewrap, where the configuration would have it in Docker too. */
  readonly onFallback?: (why: string) => void;
}

/** What a look at a source's backups needs of this machine. */
export const lookPorts = (
  environment: Environment,
  config: Config,
  onFallback?: DrillHooks['onFallback'],
): LookPorts => ({
  hostFor: (wanted, signal) => drillHost(environment, config, { ...wanted, onFallback }, signal),
  engineOf,
  liveDumperOf,
  repository: (kind, backup) => backupRepository(environment, kind, backup),
  companion: (from) => companionPlace(environment, from),
  resolveSecret: (ref) => resolveSecret(ref, environment.env),
  now: environment.now,
});

/** The ports of a drill on this machine: the one place where the rooms are put together. */
export function drillPorts(
  environment: Environment,
  config: Config,
  { onFallback, ...hooks }: DrillHooks,
  worker = { name: environment.hostname, pool: 'default' },
): DrillPorts {
  return {
    ...hooks,
    ...lookPorts(environment, config, onFallback),
    spool: spoolOf(environment),
    worker: {
      ...worker,
      cpus: environment.cpus,
      memoryBytes: environment.memoryBytes,
    },
    musterVersion: musterVersion(),
  };
}

/** Where a scratch of this image runs; what dead processes left there is swept first. */
async function drillHost(
  environment: Environment,
  { scratch }: Config,
  wanted: WantedImage & Pick<HostRequest, 'onFallback'>,
  signal: AbortSignal,
): Promise<ScratchHost> {
  const host = await chooseHost(
    { kind: scratch.kind, ...wanted, env: environment.env, ...hostOptions(environment) },
    signal,
  );
  // Tidying up after others is no condition of a drill.
  await host.sweep(signal).catch(() => undefined);
  return host;
}

export const hostOptions = (environment: Environment): HostOptions => ({
  runtimeDir: runtimeDirectory(environment),
  stateDir: stateDirectory(environment),
});

/** Asks the server of a scratch that another process keeps up. */
export function attach(
  entry: KeptEntry,
): (check: Check, options: AskOptions, signal: AbortSignal) => Promise<Answer> {
  return attachTo(entry.kind, { socketDir: entry.socketDir, serverVersion: entry.serverVersion }).ask;
}
