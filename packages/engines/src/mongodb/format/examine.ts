import { basename } from 'node:path';
import type { Artefact } from '../../artefact.js';
import type { Wrapper } from '../../bytes/wrapper.js';
import { examineArtefact } from '../../examine/examine-artefact.js';
import type { DirectoryCheck } from '../../examine/examine-directory.js';
import type { Examined, ExamineOptions } from '../../examine/examined.js';
import type { MongoFacts } from '../mongo-facts.js';
import { ArchiveReader } from './archive-reader.js';
import { isBson } from './bson-walk.js';
import { readMetadata } from './collection.js';
import {
  type CollectionFiles,
  cutFile,
  type DirectoryLayout,
  damagedFile,
  readLayout,
  requireWhole,
  textOf,
  wrapperOfName,
} from './directory-layout.js';
import { Frames } from './frames.js';

/** {@link Engine.examine} of MongoDB. */
export const examine = (
  artefact: Artefact,
  { wrapper }: MongoFacts,
  options: ExamineOptions,
  signal: AbortSignal,
): Promise<Examined> =>
  examineArtefact(
    artefact,
    {
      wrapper,
      file: archiveCheck,
      directory: async (path) => directoryCheck(await readLayout(path, basename(path), signal)),
    },
    options,
    signal,
  );

const archiveCheck = (): ArchiveReader =>
  new ArchiveReader(
    { prelude: () => undefined, document: () => undefined, blockEnd: () => undefined },
    { checksums: true, metadata: 'kinds' },
  );

type Read = NonNullable<ReturnType<DirectoryCheck['open']>>;

/** Every document, all metadata, and that of each collection both are there. */
function directoryCheck(layout: DirectoryLayout): DirectoryCheck {
  const kinds = new Map<CollectionFiles, string>();
  const readers = new Map<string, Read>(
    layout.collections.flatMap((files) => {
      const { data, metadata } = files;
      const entries: [string, Read][] = [];
      if (data !== undefined) entries.push([data, documentsCheck(data, wrapperOfName(data))]);
      if (metadata !== undefined) {
        entries.push([
          metadata,
          async (source) => {
            const text = await textOf(source, metadata);
            kinds.set(files, readMetadata(files, text).kind);
          },
        ]);
      }
      return entries;
    }),
  );
  // It never has the suffix, not even where it is compressed like the rest.
  if (layout.oplog !== undefined) readers.set(layout.oplog, documentsCheck(layout.oplog, layout.wrapper));
  return {
    open: (path) => readers.get(path),
    end: () => {
      for (const files of layout.collections) requireWhole(files, kinds.get(files) ?? '');
    },
  };
}

/** A file of documents one after another. Nothing but their own structure could tell of a flipped byte. */
function documentsCheck(path: string, wrapper: Wrapper): Read {
  return async (source, expand, signal) => {
    const frames = new Frames(
      {
        document: (bytes) => {
          if (!isBson(bytes)) throw damagedFile(path, 'has a document that is damaged');
        },
      },
      `The file ${path} of the dump`,
    );
    for await (const piece of expand(source, wrapper)) {
      signal.throwIfAborted();
      frames.write(piece);
    }
    if (!frames.whole) throw cutFile(path);
  };
}
