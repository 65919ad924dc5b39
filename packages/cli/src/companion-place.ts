import { type CompanionPlace, createDirectoryCompanion, createS3Companion } from '@muster/backups';
import type { Companion } from '@muster/core';
import { s3Connection } from '@muster/s3';
import type { Environment } from './environment.js';
import { resolveSecret } from './resolve-secret.js';

/** Where a companion is; nothing is asked of it yet, and no secret resolved. */
export function companionPlace({ env }: Pick<Environment, 'env'>, from: Companion['from']): CompanionPlace {
  if (from.type === 'directory') return createDirectoryCompanion(from.location);
  const { bucket, prefix, s3 } = from;
  return createS3Companion({
    bucket,
    prefix,
    connection: s3Connection(s3, (ref) => resolveSecret(ref, env)),
  });
}
