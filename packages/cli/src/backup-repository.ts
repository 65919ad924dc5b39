import { pathToFileURL } from 'node:url';
import {
  type BackupRepository,
  createDirectoryRepository,
  createPgbackrestRepository,
  createS3Repository,
  type OwnBackups,
  ownInDirectory,
  ownInS3,
  type RepositoryPlace,
  readAgeKeys,
  readOwnConfig,
} from '@muster/backups';
import type { DumpConfig, PgbackrestConfig, SourceKind } from '@muster/core';
import { engineOf } from '@muster/engines';
import { s3Connection } from '@muster/s3';
import type { Environment } from './environment.js';
import { resolveSecret } from './resolve-secret.js';

/** Where the backups of a source are; nothing is asked of it yet, and no secret resolved. */
export function backupRepository(
  { env }: Pick<Environment, 'env'>,
  kind: SourceKind,
  backup: DumpConfig | PgbackrestConfig,
): BackupRepository {
  if (backup.type === 'pgbackrest') return pgbackrestRepository(env, backup);
  const { place, match, tz, decrypt } = backup;
  const what = {
    match,
    zone: tz,
    engine: engineOf(kind),
    keys: decrypt && (async () => readAgeKeys(await resolveSecret(decrypt.age, env))),
  };
  if (place.type === 'directory') return createDirectoryRepository({ ...what, directory: place.location });
  const { bucket, prefix, s3 } = place;
  const connection = s3Connection(s3, (ref) => resolveSecret(ref, env));
  return createS3Repository({ ...what, bucket, prefix, connection });
}

/** The dumps that Muster took, to be retained; nothing is asked of their place yet, and no secret resolved. */
export function ownBackups({ env }: Pick<Environment, 'env'>, { place }: DumpConfig): OwnBackups {
  if (place.type === 'directory') return ownInDirectory(place.location);
  const { bucket, prefix, s3 } = place;
  return ownInS3({ bucket, prefix, connection: s3Connection(s3, (ref) => resolveSecret(ref, env)) });
}

function pgbackrestRepository(
  env: Environment['env'],
  { stanza, repository }: PgbackrestConfig,
): BackupRepository {
  if (repository.kind === 'config') {
    const { path } = repository;
    return createPgbackrestRepository({
      stanza,
      location: pathToFileURL(path).href,
      place: (signal) => readOwnConfig(path, stanza, signal),
    });
  }
  const { place } = repository;
  return createPgbackrestRepository({
    stanza,
    location: place.type === 'directory' ? pathToFileURL(place.location).href : place.location,
    place: () => repositoryPlace(env, repository),
  });
}

/** Where a repository is that the configuration itself describes. @throws `secret_unavailable` */
export async function repositoryPlace(
  env: Environment['env'],
  { place, cipherPass }: Extract<PgbackrestConfig['repository'], { kind: 'place' }>,
): Promise<RepositoryPlace> {
  const opening = cipherPass && { passphrase: await resolveSecret(cipherPass, env) };
  if (place.type === 'directory') return { type: 'directory', path: place.location, ...opening };
  const connection = s3Connection(place.s3, (ref) => resolveSecret(ref, env));
  return { type: 's3', bucket: place.bucket, prefix: place.prefix, connection, ...opening };
}
