import type { EvidencePlace } from '@muster/core';
import { createDirectoryStore, createS3Store, type EvidenceStore } from '@muster/evidence';
import type { Environment } from './environment.js';
import { resolveSecret } from './resolve-secret.js';

/** The evidence store of a configuration; nothing is asked of it yet, and no secret resolved. */
export function openEvidenceStore(place: EvidencePlace, { env, now }: Environment): EvidenceStore {
  if (place.type === 'directory') return createDirectoryStore(place.location);
  const { bucket, prefix, s3, objectLock } = place;
  const { endpoint, region, pathStyle, credentials } = s3;
  return createS3Store({
    bucket,
    prefix,
    endpoint,
    region,
    pathStyle,
    objectLock,
    now,
    credentials:
      credentials &&
      (async () => ({
        accessKeyId: await resolveSecret(credentials.accessKeyId, env),
        secretAccessKey: await resolveSecret(credentials.secretAccessKey, env),
      })),
  });
}
