import type { EvidencePlace } from '@muster/core';
import { createDirectoryStore, createS3Store, type EvidenceStore } from '@muster/evidence';
import { s3Connection } from '@muster/s3';
import type { Environment } from './environment.js';
import { resolveSecret } from './resolve-secret.js';

/** The evidence store of a configuration; nothing is asked of it yet, and no secret resolved. */
export function openEvidenceStore(place: EvidencePlace, { env, now }: Environment): EvidenceStore {
  if (place.type === 'directory') return createDirectoryStore(place.location);
  const { bucket, prefix, s3, objectLock } = place;
  const connection = s3Connection(s3, (ref) => resolveSecret(ref, env));
  return createS3Store({ ...connection, bucket, prefix, objectLock, now });
}
