import {
  type BackupRepository,
  createDirectoryRepository,
  createS3Repository,
  readAgeKeys,
} from '@muster/backups';
import type { DumpConfig, SourceKind } from '@muster/core';
import { engineOf } from '@muster/engines';
import { s3Connection } from '@muster/s3';
import type { Environment } from './environment.js';
import { resolveSecret } from './resolve-secret.js';

/** Where the backups of a source are; nothing is asked of it yet, and no secret resolved. */
export function backupRepository(
  { env }: Pick<Environment, 'env'>,
  kind: SourceKind,
  { place, match, tz, decrypt }: DumpConfig,
): BackupRepository {
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
