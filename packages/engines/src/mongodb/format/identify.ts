import type { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import { z } from 'zod';
import type { Artefact } from '../../artefact.js';
import type { HeadReader } from '../../bytes/head-reader.js';
import { peekStream } from '../../bytes/peek.js';
import { foreignFormat } from '../../bytes/signatures.js';
import { formatOf, type Wrapper } from '../../bytes/wrapper.js';
import { identifyArtefact } from '../../examine/identify-artefact.js';
import { DEFAULT_MAJOR, type MongoFacts, majorOf } from '../mongo-facts.js';
import { ARCHIVE_MAGIC, type ArchivePrelude, type KeptMetadata } from './archive-prelude.js';
import { ArchiveReader } from './archive-reader.js';
import { databasesOf, isOplog } from './collection.js';
import { readLayout, readText } from './directory-layout.js';
import { MAX_DOCUMENT_BYTES } from './frames.js';

/** How much is looked at of what is no archive. */
const LOOK_BYTES = 512;
const PRELUDE_STEP_BYTES = 256 * 1024;
/** What is read of it at a time is judged at a time, and nothing else is done meanwhile. */
const MAX_STEP_BYTES = 1024 * 1024;

const preludeSchema = z.object({
  ServerVersion: z.string().default(''),
  ToolVersion: z.string().default(''),
});

/** {@link Engine.identify} of MongoDB. */
export const identify = (artefact: Artefact, signal: AbortSignal): Promise<MongoFacts> =>
  identifyArtefact(artefact, { file: identifyContent, directory: identifyDirectory }, signal);

async function identifyContent(reader: HeadReader, wrapper: Wrapper): Promise<MongoFacts> {
  const head = await reader.atLeast(LOOK_BYTES);
  const magic = head.subarray(0, ARCHIVE_MAGIC.length);
  if (magic.equals(ARCHIVE_MAGIC.subarray(0, magic.length))) {
    return requireData(archiveFacts(await preludeOf(reader, 'kinds'), wrapper));
  }
  const foreign = foreignFormat(head) ?? otherDump(head);
  if (foreign === undefined) {
    throw new MusterError('not_a_dump', 'The file is no archive that mongodump wrote.');
  }
  throw new MusterError(
    'unsupported_dump',
    `The file is ${wrapper === 'none' ? foreign : `${foreign} inside ${wrapper}`}, which is not read. Store dumps as \`mongodump --archive\` writes them, or inside gzip or zstd, or as the directory of \`mongodump --out\`.`,
  );
}

/** A drill that restores nothing would prove nothing. @throws `empty` */
function requireData(facts: MongoFacts): MongoFacts {
  if (facts.databases.length > 0 || facts.hasOplog) return facts;
  throw new MusterError(
    'empty',
    'The backup has no collection that a drill restores (users, roles, local and config are left out). Look at the job that makes it, and which database it names.',
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
async function preludeOf(reader: HeadReader, metadata: KeptMetadata): Promise<ArchivePrelude> {
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
    { checksums: false, metadata },
  );
  try {
    for (let at = 0; ; ) {
      const head = await reader.atLeast(Math.max(PRELUDE_STEP_BYTES, Math.min(at * 2, at + MAX_STEP_BYTES)));
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
  const { seen: prelude, stream: whole } = await peekStream(stream, signal, (reader) =>
    preludeOf(reader, 'all'),
  );
  return { prelude, facts: archiveFacts(prelude, 'none'), stream: whole };
}

async function identifyDirectory(path: string, signal: AbortSignal): Promise<MongoFacts> {
  const layout = await readLayout(path, '', signal);
  const preludes = await Promise.all(layout.preludes.map((prelude) => readPrelude(path, prelude, signal)));
  const newest = preludes.toSorted((a, b) => majorOf(b.ServerVersion) - majorOf(a.ServerVersion))[0];
  const facts: MongoFacts = {
    ...versions(newest?.ServerVersion ?? '', newest?.ToolVersion ?? ''),
    format: formatOf('mongodump-directory', layout.wrapper),
    databases: layout.flat ? [] : databasesOf(layout.collections),
    container: 'directory',
    wrapper: layout.wrapper,
    hasOplog: layout.oplog !== undefined,
  };
  // What a directory of a single database holds is seen when it has got a name.
  return layout.flat ? facts : requireData(facts);
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
