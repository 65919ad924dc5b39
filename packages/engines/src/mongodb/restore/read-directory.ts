import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { counting } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { readBackup } from '../../bytes/feed.js';
import {
  type DumpedCollection,
  isRestored,
  MetadataBudget,
  readMetadata,
  withoutMetadata,
} from '../format/collection.js';
import {
  type CollectionFiles,
  cutFile,
  readText,
  requireWhole,
  wrapperOfName,
} from '../format/directory-layout.js';
import { Frames } from '../format/frames.js';
import type { Target } from './target.js';

export interface DirectoryCollection extends DumpedCollection {
  readonly files: CollectionFiles;
}

/** The collections of a dump in directory form, with their metadata. @throws `truncated`, `corrupt`. */
export async function readCollections(
  directory: string,
  collections: readonly CollectionFiles[],
  signal: AbortSignal,
): Promise<readonly DirectoryCollection[]> {
  const found: DirectoryCollection[] = [];
  const budget = new MetadataBudget();
  for (const files of collections) {
    const { database, name, metadata } = files;
    if (!isRestored(database, name)) continue;
    const text = metadata === undefined ? undefined : await readText(directory, metadata, signal);
    budget.take(text ?? '');
    const collection = text === undefined ? withoutMetadata(database, name) : readMetadata(files, text);
    requireWhole(files, collection.kind);
    found.push({ ...collection, files });
  }
  return found;
}

/** Restores the documents of a directory, `jobs` collections at a time. `onBytes`: of the files, as they are read. */
export async function readDirectory(
  directory: string,
  collections: readonly DirectoryCollection[],
  target: Target,
  options: { readonly jobs: number; readonly onBytes: (bytes: number) => void },
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...collections];
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !stop.aborted; next = waiting.shift()) {
      const { data } = next.files;
      if (data === undefined || next.kind === 'view') continue;
      const { stream } = counting(
        readBackup(join(directory, data), stop),
        () => undefined,
        (chunk) => options.onBytes(chunk.length),
      );
      await readFile(unwrap(stream, wrapperOfName(data)), data, next, target);
    }
  };
  const faults: unknown[] = [];
  const note = (error: unknown): void => {
    faults.push(error);
    failed.abort();
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, () => work().catch(note)));
  if (faults.length > 0) throw faults[0];
  await target.loader.drain();
}

async function readFile(
  content: Readable,
  path: string,
  collection: DumpedCollection,
  { loader }: Target,
): Promise<void> {
  const frames = new Frames(
    { document: (bytes) => loader.add(collection, bytes) },
    `The file ${path} of the dump`,
  );
  for await (const chunk of content) {
    frames.write(chunk);
    await loader.room();
  }
  if (!frames.whole) throw cutFile(path);
  loader.flush(collection);
}
