import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import { unwrap } from '../../bytes/decompress.js';
import { readBackup } from '../../bytes/feed.js';
import type { Wrapper } from '../../bytes/wrapper.js';
import { hasNoMetadata, isNamespace, withoutBuckets } from './collection.js';

/** The files of one collection. Paths are relative to the dump, with `/`. */
export interface CollectionFiles {
  readonly database: string;
  readonly name: string;
  readonly data?: string;
  readonly metadata?: string;
}

/** What lies where in a dump in directory form. */
export interface DirectoryLayout {
  /** Of its files. */
  readonly wrapper: Wrapper;
  /** True where the directory is that of a single database, whose name only its path would tell. */
  readonly flat: boolean;
  /** `prelude.json`: of the whole, or one of each `mongodump --db`. */
  readonly preludes: readonly string[];
  readonly oplog?: string;
  readonly collections: readonly CollectionFiles[];
}

/** Long names are cut, and end in a hash: then the metadata hold the name (mongo-tools, outputPath). */
const CUT_NAME_BYTES = 238;
/** What is held in memory of one file of metadata, or a prelude. */
const MAX_METADATA_BYTES = 16 * 1024 * 1024;

const FILE = /^(?<escaped>.+)\.(?<kind>bson|metadata\.json)(?<gz>\.gz)?$/;
const PRELUDE = /^prelude\.json(?:\.gz)?$/;
/** Never with the suffix, not even where it is compressed. */
const OPLOG = /^oplog\.bson(?:\.gz)?$/;

/** True for the name of a file that mongodump writes into the directory of a database. */
export const isDumpFile = (name: string): boolean => FILE.test(name) && !OPLOG.test(name);

/**
 * Looks at the names of the files in a dump, and into metadata only where a name was cut.
 * `flatName`: of the database, where the directory is that of a single one. @throws `empty`, `not_a_dump`.
 */
export async function readLayout(
  directory: string,
  flatName: string,
  signal: AbortSignal,
): Promise<DirectoryLayout> {
  const entries = await readdir(directory, { withFileTypes: true });
  const top = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const below = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => ({
        database: name,
        path: `${name}/`,
        names: (await readdir(join(directory, name), { withFileTypes: true }))
          .filter((entry) => !entry.isDirectory())
          .map((entry) => entry.name),
      })),
  );
  // What stands beside the directories of databases is none of theirs.
  const flat = top.some(isDumpFile) && !below.some(({ names }) => names.some(isDumpFile));
  const databases = flat ? [{ database: flatName, path: '', names: top }] : below;
  const found = await Promise.all(
    databases.map(async ({ database, path, names }) => {
      const files = names.filter(isDumpFile).sort();
      return collectionsOf(directory, database, path, files, signal);
    }),
  );
  const oplog = top.find((name) => OPLOG.test(name));
  const collections = found.flat();
  const preludes = [
    ...(flat ? [] : top.filter((name) => PRELUDE.test(name))),
    ...databases.flatMap(({ path, names }) =>
      names.filter((name) => PRELUDE.test(name)).map((name) => path + name),
    ),
  ];
  if (collections.length === 0 && oplog === undefined) {
    throw noDump(entries.length === 0 || preludes.length > 0);
  }
  const files = collections.flatMap(({ data, metadata }) => [data ?? '', metadata ?? '']);
  return {
    wrapper: files.some((path) => path.endsWith('.gz')) ? 'gzip' : 'none',
    flat,
    preludes,
    ...(oplog === undefined ? {} : { oplog }),
    collections,
  };
}

async function collectionsOf(
  directory: string,
  database: string,
  path: string,
  files: readonly string[],
  signal: AbortSignal,
): Promise<readonly CollectionFiles[]> {
  const found = new Map<string, { name: string; data?: string; metadata?: string }>();
  for (const file of files) {
    const { escaped = '', kind = '', gz = '' } = FILE.exec(file)?.groups ?? {};
    const name = withoutBuckets(await nameOf(directory, path, escaped, gz, signal));
    // A database that lies by itself has no name yet.
    if (!isNamespace(path === '' ? 'any' : database, name))
      throw damagedFile(path + file, 'is of no collection');
    const what = kind === 'bson' ? 'data' : 'metadata';
    const known = found.get(name) ?? { name };
    if (what in known) throw damagedFile(path + file, 'is of a collection that has another such file');
    found.set(name, { ...known, [what]: path + file });
  }
  return [...found.values()].map((files) => ({ database, ...files }));
}

async function nameOf(
  directory: string,
  path: string,
  escaped: string,
  gz: string,
  signal: AbortSignal,
): Promise<string> {
  const name = unescapeName(escaped);
  if (escaped.length !== CUT_NAME_BYTES || !escaped.includes('%24')) return name;
  const metadata = `${path}${escaped}.metadata.json${gz}`;
  const text = await readText(directory, metadata, signal).catch(() => '');
  const told = /"collectionName"\s*:\s*("(?:[^"\\]|\\.){1,1000}")/.exec(text)?.[1];
  if (told === undefined) return name;
  try {
    return String(JSON.parse(told));
  } catch {
    throw damagedFile(metadata, 'is damaged');
  }
}

/** Go's url.QueryEscape, undone. What was never escaped is left as it is. */
function unescapeName(escaped: string): string {
  try {
    return decodeURIComponent(escaped.replaceAll('+', ' '));
  } catch {
    return escaped;
  }
}

/** The text of metadata or a prelude. @throws `truncated`, `corrupt`, and what reading throws. */
export const readText = (directory: string, path: string, signal: AbortSignal): Promise<string> =>
  textOf(readBackup(join(directory, path), signal), path);

/** As {@link readText}, of a file that is being read. */
export async function textOf(source: Readable, path: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of unwrap(source, wrapperOfName(path))) {
    bytes += piece.length;
    if (bytes > MAX_METADATA_BYTES) throw tooLong(path);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

export const wrapperOfName = (path: string): Wrapper => (path.endsWith('.gz') ? 'gzip' : 'none');

/** What has to be there, and is not, or the other way round. @throws `truncated`, `corrupt`. */
export function requireWhole({ database, name, data, metadata }: CollectionFiles, kind: string): void {
  if (metadata === undefined && !hasNoMetadata(database, name)) {
    throw missing(`the metadata of the collection ${database}.${name} are not there`);
  }
  if (data !== undefined && kind === 'view') throw damagedFile(data, 'has documents of a view');
  if (data === undefined && kind !== 'view') {
    throw missing(`the documents of the collection ${database}.${name} are not there`);
  }
}

/** @returns `corrupt`. */
export const damagedFile = (path: string, how: string): MusterError =>
  new MusterError('corrupt', `The file ${path} of the dump ${how}. Take another backup.`);

const missing = (what: string): MusterError =>
  new MusterError('truncated', `The dump is not whole: ${what}. Look at how it was copied, or take another.`);

const tooLong = (path: string): MusterError =>
  new MusterError(
    'corrupt',
    `The file ${path} of the dump is far longer than mongodump writes it. Take another backup.`,
  );

const noDump = (isEmpty: boolean): MusterError =>
  isEmpty
    ? new MusterError(
        'empty',
        'The backup has no collection. Look at the job that makes it, and which database it names.',
      )
    : new MusterError('not_a_dump', 'The directory is no dump of mongodump: there is no .bson file in it.');

/** A file of documents that does not end where one of them does. */
export const cutFile = (path: string): MusterError =>
  new MusterError(
    'truncated',
    `The file ${path} of the dump ends inside of a document. Look at how it was copied, or take another.`,
  );
