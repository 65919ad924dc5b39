import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, MusterError } from '@muster/core';
import type { RepositorySet } from '../../artefact.js';
import type { Examined } from '../../engine.js';
import type { PgbackrestFacts } from './pgbackrest-facts.js';

/**
 * The digest of a backup set: that of its `backup.manifest` as it lies in the repository, which names the checksum of
 * every file of the set. Those are compared by the restore itself. Like pgBackRest it takes the copy where the first is
 * not there. @throws `backup_unreadable`, `cancelled`.
 */
export async function examineSet(
  set: RepositorySet,
  facts: PgbackrestFacts,
  signal: AbortSignal,
): Promise<Examined> {
  const examined = await digestOf(set, signal);
  if (!facts.pgbackrest.hasPageErrors) return examined;
  const fault = new MusterError(
    'corrupt',
    `pgBackRest found pages that do not fit their checksums when it made the backup set ${set.name}: the database itself is damaged. See what \`pgbackrest info --set=${set.name}\` names.`,
  );
  return { ...examined, fault };
}

async function digestOf(set: RepositorySet, signal: AbortSignal): Promise<Examined> {
  const directory = join(set.path, 'backup', set.stanza, set.name);
  for (const name of ['backup.manifest', 'backup.manifest.copy']) {
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(join(directory, name)), hash, { signal });
      return { sha256: `sha256:${hash.digest('hex')}`, sizeBytes: set.sizeBytes };
    } catch (error) {
      if (signal.aborted) throw new MusterError('cancelled', 'The examination was cancelled.');
      if (errnoOf(error) === 'ENOENT') continue;
      throw new MusterError(
        'backup_unreadable',
        `${join(directory, name)} could not be read (${errnoOf(error) ?? 'unknown fault'}): give the user that runs Muster the right to read it.`,
        { cause: error },
      );
    }
  }
  throw new MusterError(
    'corrupt',
    `The backup set ${set.name} has no backup.manifest: it was removed or never finished. Take a new full backup.`,
  );
}
