import type { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type { ArchivePrelude } from '../format/archive-prelude.js';
import { ArchiveReader } from '../format/archive-reader.js';
import { isRestored } from '../format/collection.js';
import type { Target } from './target.js';

/**
 * Restores the plain bytes of an archive. `checksums`: they are compared here, since nobody else reads the bytes.
 * @returns the prelude. @throws what {@link ArchiveReader} and {@link Target} say.
 */
export async function readArchive(
  content: Readable,
  target: Target,
  options: { readonly checksums: boolean; readonly onPrelude: (prelude: ArchivePrelude) => void },
): Promise<ArchivePrelude> {
  const { loader } = target;
  let prelude: ArchivePrelude | undefined;
  let created = false;
  const reader = new ArchiveReader(
    {
      prelude: (found) => {
        prelude = found;
      },
      document: (collection, bytes) => {
        if (isRestored(collection.database, collection.name)) loader.add(collection, bytes);
      },
      blockEnd: (collection) => loader.flush(collection),
    },
    { checksums: options.checksums, metadata: 'all' },
  );
  for await (const chunk of content) {
    reader.write(chunk);
    if (prelude === undefined) continue;
    if (!created) {
      options.onPrelude(prelude);
      await target.create(prelude.collections);
      created = true;
    }
    await loader.room();
  }
  reader.end();
  await loader.drain();
  if (prelude === undefined)
    throw new MusterError('internal', 'An archive came to its end without a prelude.');
  return prelude;
}
