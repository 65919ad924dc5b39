import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { errnoOf, isMusterError, MusterError, type Sha256 } from '@muster/core';
import { infoPairs } from './info-file.js';
import { type ListedSet, setPath } from './repository-store.js';

/**
 * The SHA-256 of the manifest of a set as it lies in the repository at `path`, `sha256:…`, read to its end and held to
 * its own checksum. Like pgBackRest it takes the copy where the first is not there; where the first is damaged pgBackRest
 * takes the copy too and says nothing, and this calls it damaged. @throws `corrupt`, `backup_unreadable`, `cancelled`.
 */
export async function manifestDigest(
  path: string,
  listed: ListedSet,
  fileBytes: FileBytes,
  signal: AbortSignal,
): Promise<Sha256> {
  const main = join(path, setPath(listed), 'backup.manifest');
  for (const name of [main, `${main}.copy`]) {
    try {
      return await digestOf(name, fileBytes(name, signal), listed.manifestPassphrase);
    } catch (error) {
      if (signal.aborted) throw new MusterError('cancelled', 'The examination was cancelled.');
      if (isMusterError(error, 'backup_unreadable') && errnoOf(error.cause) === 'ENOENT') continue;
      // The passphrase is right: `backup.info` was read, which holds that of manifests.
      if (isMusterError(error, 'decrypt_failed')) throw damaged(name);
      throw error;
    }
  }
  throw new MusterError(
    'corrupt',
    `The backup set ${listed.set.label} has no backup.manifest: it was removed or never finished. Take a new full backup.`,
  );
}

type FileBytes = (name: string, signal: AbortSignal) => AsyncIterable<Buffer>;

async function digestOf(
  name: string,
  read: AsyncIterable<Buffer>,
  passphrase: string | undefined,
): Promise<Sha256> {
  const hash = createHash('sha256');
  async function* bytes(): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of read) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const pairs = infoPairs({ name, passphrase, bytes });
  while (!(await pairs.next()).done);
  return `sha256:${hash.digest('hex')}`;
}

const damaged = (name: string): MusterError =>
  new MusterError('corrupt', `${name} is damaged. See what \`pgbackrest verify\` says of its set.`);
