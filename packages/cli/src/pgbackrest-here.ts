import { posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createPgbackrestTake,
  type PgbackrestTool,
  pgbackrestTool,
  readOwnConfig,
  type TakeBackup,
  type ToolSpec,
} from '@muster/backups';
import type { PgbackrestConfig, Source } from '@muster/core';
import { repositoryPlace } from './backup-repository.js';
import type { Environment } from './environment.js';
import { resolveSecret } from './resolve-secret.js';

/** The pgBackRest of this machine for the repository of a source: what takes and expires its sets. No secret is resolved yet. */
export function pgbackrestHere(
  { env }: Pick<Environment, 'env'>,
  source: Pick<Source, 'take' | 'connection'>,
  { stanza, repository }: PgbackrestConfig,
): PgbackrestTool {
  return pgbackrestTool({ stanza, env, configured: configuredBy(env, source, repository) });
}

/** The pgBackRest of this machine, to restore into a data directory, as its owner. No secret is resolved yet. */
export function pgbackrestInto(
  { env }: Pick<Environment, 'env'>,
  dataDirectory: string,
  { stanza, repository }: PgbackrestConfig,
): PgbackrestTool {
  const configured: ToolSpec['configured'] =
    repository.kind === 'config'
      ? { by: 'config', path: repository.path }
      : { by: 'place', place: () => repositoryPlace(env, repository), server: { dataDirectory } };
  return pgbackrestTool({ stanza, env, configured });
}

function configuredBy(
  env: Environment['env'],
  { take, connection }: Pick<Source, 'take' | 'connection'>,
  repository: PgbackrestConfig['repository'],
): ToolSpec['configured'] {
  if (repository.kind === 'config') return { by: 'config', path: repository.path };
  return {
    by: 'place',
    place: () => repositoryPlace(env, repository),
    ...(take?.dataDirectory !== undefined && {
      server: {
        dataDirectory: take.dataDirectory,
        ...(connection && { connection: () => resolveSecret(connection.uri, env) }),
      },
    }),
  };
}

/** Takes backup sets of one source. */
export function takeSetsOf(environment: Environment, source: Source, backup: PgbackrestConfig): TakeBackup {
  const { stanza, repository } = backup;
  return createPgbackrestTake({
    tool: pgbackrestHere(environment, source, backup),
    stanza,
    locationOf: (path) => locationIn(repository, stanza, path),
    // A pgbackrest.conf has its own word on it.
    ...(repository.kind === 'place' && source.take && { jobs: source.take.jobs }),
    now: environment.now,
  });
}

/** As drills name it; a repository on another host has no name but that of what tells where it is. */
async function locationIn(
  repository: PgbackrestConfig['repository'],
  stanza: string,
  path: string,
): Promise<string> {
  if (repository.kind === 'place') {
    const { place } = repository;
    return place.type === 'directory'
      ? pathToFileURL(posix.join(place.location, path)).href
      : `${place.location.replace(/\/+$/, '')}/${path}`;
  }
  const own = await readOwnConfig(repository.path, stanza, AbortSignal.timeout(10_000)).catch(
    () => undefined,
  );
  if (own === undefined) return `${pathToFileURL(repository.path).href}#${path}`;
  if (own.type === 'directory') return pathToFileURL(posix.join(own.path, path)).href;
  return `s3://${posix.join(own.bucket, own.prefix, path)}`;
}
