import type { Readable } from 'node:stream';
import { isMusterError, MusterError } from '@muster/core';
import { z } from 'zod';
import type { Artefact } from '../../artefact.js';
import { unwrapping } from '../../bytes/decompress.js';
import { readBackup, readingError } from '../../bytes/feed.js';
import { HeadReader } from '../../bytes/head-reader.js';
import { foreignFormat, wrapperOf } from '../../bytes/signatures.js';
import { formatOf, type Wrapper } from '../../bytes/wrapper.js';
import { DEFAULT_MAJOR, type MongoFacts, majorOf } from '../mongo-facts.js';
import { ARCHIVE_MAGIC, type ArchivePrelude } from './archive-prelude.js';
import { ArchiveReader } from './archive-reader.js';
import { databasesOf, isOplog } from './collection.js';
import { readLayout, readText } from './directory-layout.js';
import { MAX_DOCUMENT_BYTES } from './frames.js';

/** How much is looked at of what is no archive. */
const LOOK_BYTES = 512;
const PRELUDE_STEP_BYTES = 256 * 1024;

const preludeSchema = z.object({
  ServerVersion: z.string().default(''),
  ToolVersion: z.string().default(''),
});

/** {@link Engine.identify} of MongoDB. */
export async function identify(artefact: Artefact, signal: AbortSignal): Promise<MongoFacts> {
  try {
    switch (artefact.form) {
      case 'file':
        return await identifyFile(artefact.path, signal);
      case 'directory':
        return await identifyDirectory(artefact.path, signal);
      case 'stream':
        throw new MusterError('internal', 'A live dump is identified while it flows, not before.');
    }
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw readingError(error);
  }
}

async function identifyFile(path: string, signal: AbortSignal): Promise<MongoFacts> {
  const outer = new HeadReader(readBackup(path, signal));
  try {
    const magic = await outer.atLeast(8);
    if (magic.length === 0) outer.short(empty());
    const wrapper = wrapperOf(magic);
    if (wrapper === 'none') return await identifyContent(outer, wrapper);
    const inner = new HeadReader(unwrapping(outer.replay(), wrapper));
    try {
      return await identifyContent(inner, wrapper);
    } finally {
      await inner.close();
    }
  } finally {
    await outer.close();
  }
}

async function identifyContent(reader: HeadReader, wrapper: Wrapper): Promise<MongoFacts> {
  const head = await reader.atLeast(LOOK_BYTES);
  if (head.length === 0) reader.short(empty());
  const magic = head.subarray(0, ARCHIVE_MAGIC.length);
  if (magic.equals(ARCHIVE_MAGIC.subarray(0, magic.length)))
    return archiveFacts(await preludeOf(reader), wrapper);
  const foreign = foreignFormat(head) ?? otherDump(head);
  if (foreign === undefined) {
    throw new MusterError('not_a_dump', 'The file is no archive that mongodump wrote.');
  }
  throw new MusterError(
    'unsupported_dump',
    `The file is ${wrapper === 'none' ? foreign : `${foreign} inside ${wrapper}`}, which is not read. Store dumps as \`mongodump --archive\` writes them, or inside gzip or zstd, or as the directory of \`mongodump --out\`.`,
  );
}

/** Parts of a dump of mongodump that are none by themselves. */
function otherDump(head: Buffer): string | undefined {
  if (head.toString('latin1', 257, 262) === 'ustar') return 'a tar archive';
  const length = head.length < 5 ? 0 : head.readUInt32LE(0);
  const inside = length >= 5 && length <= MAX_DOCUMENT_BYTES;
  // The first element of a document begins with its type.
  const type = head[4] ?? 0;
  return inside && type >= 1 && type <= 19 && (length > head.length || head[length - 1] === 0)
    ? 'the documents of a single collection'
    : undefined;
}

/** Reads just so much as the prelude is long. */
async function preludeOf(reader: HeadReader): Promise<ArchivePrelude> {
  let found: ArchivePrelude | undefined;
  const parser = new ArchiveReader(
    {
      prelude: (prelude) => {
        found = prelude;
        throw new PreludeFound();
      },
      document: () => undefined,
      blockEnd: () => undefined,
    },
    { checksums: false },
  );
  try {
    for (let at = 0; ; ) {
      const head = await reader.atLeast(Math.max(at * 2, PRELUDE_STEP_BYTES));
      parser.write(head.subarray(at));
      if (head.length === at || reader.ended) break;
      at = head.length;
    }
  } catch (error) {
    if (!(error instanceof PreludeFound)) throw error;
  }
  return (
    found ??
    reader.short(new MusterError('truncated', 'The archive ends before its data begin. Take another backup.'))
  );
}

/** Ends the reading of a prelude. */
class PreludeFound extends Error {}

/** Facts of an archive, from its prelude. */
export function archiveFacts(prelude: ArchivePrelude, wrapper: Wrapper): MongoFacts {
  const { collections, serverVersion, toolVersion } = prelude;
  return {
    ...versions(serverVersion, toolVersion),
    format: formatOf('archive', wrapper),
    databases: databasesOf(collections),
    container: 'archive',
    wrapper,
    hasOplog: collections.some(({ database, name }) => isOplog(database, name)),
  };
}

/** Reads just the prelude of an archive off a byte stream, and gives back a stream of all its bytes. */
export async function peekArchive(
  stream: Readable,
  signal: AbortSignal,
): Promise<{ readonly facts: MongoFacts; readonly prelude: ArchivePrelude; readonly stream: Readable }> {
  const reader = new HeadReader(stream);
  const stop = (): void => void stream.destroy(new MusterError('cancelled', 'The drill was cancelled.'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const head = await reader.atLeast(1);
    if (head.length === 0) reader.short(empty());
    const prelude = await preludeOf(reader);
    return { prelude, facts: archiveFacts(prelude, 'none'), stream: reader.replay() };
  } catch (error) {
    stream.destroy();
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw isMusterError(error) ? error : readingError(error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function identifyDirectory(path: string, signal: AbortSignal): Promise<MongoFacts> {
  const layout = await readLayout(path, '', signal);
  const preludes = await Promise.all(layout.preludes.map((prelude) => readPrelude(path, prelude, signal)));
  const newest = preludes.toSorted((a, b) => majorOf(b.ServerVersion) - majorOf(a.ServerVersion))[0];
  return {
    ...versions(newest?.ServerVersion ?? '', newest?.ToolVersion ?? ''),
    format: formatOf('mongodump-directory', layout.wrapper),
    databases: layout.flat ? [] : databasesOf(layout.collections),
    container: 'directory',
    wrapper: layout.wrapper,
    hasOplog: layout.oplog !== undefined,
  };
}

async function readPrelude(
  directory: string,
  path: string,
  signal: AbortSignal,
): Promise<z.infer<typeof preludeSchema>> {
  const damaged = (cause?: unknown): MusterError =>
    new MusterError('corrupt', `The file ${path} of the dump is damaged. Take another backup.`, { cause });
  const text = await readText(directory, path, signal);
  try {
    return preludeSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(cause);
  }
}

const versions = (
  serverVersion: string,
  toolVersion: string,
): Pick<MongoFacts, 'major' | 'serverVersion' | 'toolVersion'> => ({
  major: serverVersion === '' ? DEFAULT_MAJOR : majorOf(serverVersion),
  ...(serverVersion === '' ? {} : { serverVersion }),
  ...(toolVersion === '' ? {} : { toolVersion }),
});

const empty = (): MusterError =>
  new MusterError('empty', 'The backup is empty. Look at the job that makes it.');
