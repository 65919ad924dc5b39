import {
  createDirectoryTakePlace,
  createDumpTaker,
  createS3TakePlace,
  type TakeBackup,
  type TakePlace,
} from '@muster/backups';
import { type Config, type DumpConfig, MusterError, type Source } from '@muster/core';
import { chooseImage } from '@muster/drill';
import { engineOf, type LiveFacts, liveDumperOf } from '@muster/engines';
import { s3Connection } from '@muster/s3';
import { type Base, formatWorker, livenessOf, type ScratchHost, thisWorker } from '@muster/scratch';
import type { Environment } from './environment.js';
import { takeSetsOf } from './pgbackrest-here.js';
import { resolveSecret } from './resolve-secret.js';
import { musterVersion } from './version.js';
import { lookPorts } from './wiring.js';

/**
 * Takes backups of any source of a configuration, on this machine: by hand, and in the worker. It knows no terminal.
 * `config`: the configuration that the sources are of.
 */
export function createTakeBackup(environment: Environment, config: Config): TakeBackup {
  const takeDump = createDumpTaker({
    engineOf,
    dumperOf: liveDumperOf,
    openDump: async (source, uri, facts, options, signal) => {
      const dumper = liveDumperOf(source.kind);
      const here = await dumper.dumpHere(uri, facts, options);
      if (here !== undefined) return here;
      const { host, base } = await dumpHost(environment, config, source, facts, signal);
      return dumper.dump(uri, facts, host, base, options);
    },
    placeFor: (backup) => takePlace(backup, environment),
    resolveSecret: (ref) => resolveSecret(ref, environment.env),
    worker: formatWorker(thisWorker()),
    now: environment.now,
    musterVersion: musterVersion(),
  });
  return async (request, options, signal) => {
    const { source } = request;
    const { backup } = source;
    if (backup.type === 'pgbackrest')
      return await takeSetsOf(environment, source, backup)(request, options, signal);
    if (backup.type === 'dump') return await takeDump(request, options, signal);
    throw new MusterError(
      'config_invalid',
      `The source "${source.slug}" is dumped live, and has no place for backups: give it one (backup: { type: dump, location }).`,
    );
  };
}

/** Where the tool of the source's version is: in its image. */
async function dumpHost(
  environment: Environment,
  config: Config,
  source: Source,
  facts: LiveFacts,
  signal: AbortSignal,
): Promise<{ readonly host: ScratchHost; readonly base: Base }> {
  const ports = lookPorts(environment, config);
  const { image, host, remedy } = await chooseImage(ports, { source, config }, facts.major, signal);
  const { probe } = engineOf(source.kind);
  return { host, base: await host.prepare({ image, probe, remedy }, signal) };
}

/** Where the dumps of a source are written. */
export function takePlace({ place }: DumpConfig, { env }: Environment): TakePlace {
  if (place.type === 'directory')
    return createDirectoryTakePlace({ directory: place.location, liveness: livenessOf });
  const { bucket, prefix, s3 } = place;
  const connection = s3Connection(s3, (ref) => resolveSecret(ref, env));
  return createS3TakePlace({ bucket, prefix, connection, liveness: livenessOf });
}
