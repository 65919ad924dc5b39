import { MusterError } from '@muster/core';
import type { RepositorySet } from '../../artefact.js';
import type { Examined } from '../../examine/examined.js';
import type { PgbackrestFacts } from './pgbackrest-facts.js';

/**
 * The digest of a backup set: that of its manifest as it lies in the repository, which names the checksum of every file of
 * the set. Those are compared by the restore itself. @throws `corrupt`, `backup_unreadable`, `cancelled`.
 */
export async function examineSet(
  set: RepositorySet,
  facts: PgbackrestFacts,
  signal: AbortSignal,
): Promise<Examined> {
  const examined = { sha256: await firstDigest(set, signal), sizeBytes: set.sizeBytes };
  if (!facts.pgbackrest.hasPageErrors) return examined;
  const fault = new MusterError(
    'corrupt',
    `pgBackRest found pages that do not fit their checksums when it made the backup set ${set.name}: the database itself is damaged. See what \`pgbackrest info --set=${set.name}\` names.`,
  );
  return { ...examined, fault };
}

/**
 * Restores a set, and sees to it that its manifest is the one of the examination before and after.
 * @throws `backup_changed`, what {@link examineSet} throws, what `restore` throws.
 */
export async function withSameManifest<T>(
  set: RepositorySet,
  signal: AbortSignal,
  restore: () => Promise<T>,
): Promise<T> {
  const before = await firstDigest(set, signal);
  const restored = await restore();
  if ((await set.manifestDigest(signal)) === before) return restored;
  throw new MusterError(
    'backup_changed',
    `The manifest of the backup set ${set.name} changed while the set was restored: drill it again when nothing writes to it.`,
  );
}

/** The examination and the restore run side by side, and must speak of the same one. */
const first = new WeakMap<RepositorySet, Promise<Examined['sha256']>>();

function firstDigest(set: RepositorySet, signal: AbortSignal): Promise<Examined['sha256']> {
  const digest = first.get(set) ?? set.manifestDigest(signal);
  first.set(set, digest);
  return digest;
}
