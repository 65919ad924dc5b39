import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type { Artefact } from '../../artefact.js';
import { readBackup } from '../../bytes/feed.js';
import { HeadReader } from '../../bytes/head-reader.js';
import { empty, peekStream } from '../../bytes/peek.js';
import { foreignFormat } from '../../bytes/signatures.js';
import { formatOf, type Wrapper } from '../../bytes/wrapper.js';
import { identifyArtefact } from '../../examine/identify-artefact.js';
import { type Container, newerMajor, type PostgresFacts } from '../postgres-facts.js';
import { shapeOf } from '../restore/create-database.js';
import { readPlainHead } from './plain-head.js';
import { readTarHeader, TAR_BLOCK } from './tar.js';
import { ARCHIVE_MAGIC, readToc, type Toc } from './toc.js';

/** The first member of a tar dump. */
const FIRST_MEMBER = Buffer.from('toc.dat\0', 'latin1');

/** A tarred directory dump is recognised by the names of its first members. */
const TAR_LOOK_BYTES = 1024 * 1024;
const DIRECTORY_MEMBER = /(?:^|\/)(?:toc\.dat|\d+\.dat(?:\.(?:gz|lz4|zst))?)$/;

/** {@link Engine.identify} of PostgreSQL. */
export const identify = (artefact: Artefact, signal: AbortSignal): Promise<PostgresFacts> =>
  identifyArtefact(artefact, { file: identifyContent, directory: identifyDirectory }, signal);

async function identifyContent(reader: HeadReader, wrapper: Wrapper): Promise<PostgresFacts> {
  const head = await reader.atLeast(TAR_BLOCK);
  const magic = head.subarray(0, ARCHIVE_MAGIC.length);
  if (isPrefixOf(magic, ARCHIVE_MAGIC)) {
    const toc = await readToc(reader);
    if (toc.format === 'custom') return archiveFacts(toc, 'custom', wrapper);
    throw new MusterError(
      'not_a_dump',
      'The file is only the table of contents of a directory dump. The backup is the directory that it lies in.',
    );
  }
  if (head.length < TAR_BLOCK && isPrefixOf(head, FIRST_MEMBER)) {
    reader.short(new MusterError('truncated', 'The dump ends inside its first header. Take another backup.'));
  }
  const first = readTarHeader(head);
  if (first !== undefined) return identifyTar(reader, wrapper);
  const foreign = foreignFormat(head);
  if (foreign !== undefined) {
    throw new MusterError(
      'unsupported_dump',
      `The file is ${wrapper === 'none' ? foreign : `${foreign} inside ${wrapper}`}, which is not read. Store dumps as pg_dump writes them, or inside gzip or zstd.`,
    );
  }
  return readPlainHead(reader, wrapper);
}

/** The one begins with the other, as far as both go. */
function isPrefixOf(head: Buffer, expected: Buffer): boolean {
  const length = Math.min(head.length, expected.length);
  return head.subarray(0, length).equals(expected.subarray(0, length));
}

async function identifyTar(reader: HeadReader, wrapper: Wrapper): Promise<PostgresFacts> {
  const first = readTarHeader(reader.head);
  if (first?.name === 'toc.dat') {
    // The member's own end is the end of the table of contents; what follows is data.
    const size = TAR_BLOCK + first.sizeBytes;
    const toc = await readTocFile(new HeadReader(skip(reader, TAR_BLOCK, size)));
    return archiveFacts(toc, 'tar', wrapper);
  }
  const names = tarNames(await reader.atLeast(TAR_LOOK_BYTES));
  if (names.some((name) => DIRECTORY_MEMBER.test(name))) {
    throw new MusterError(
      'unsupported_dump',
      'The file is a directory dump packed with tar. Unpack it, or dump with `pg_dump -Fc` into a single file.',
    );
  }
  return reader.short(
    new MusterError('not_a_dump', 'The file is a tar archive, but none that pg_dump wrote.'),
  );
}

function tarNames(bytes: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = 0; ; ) {
    const header = readTarHeader(bytes.subarray(at));
    if (header === undefined) return names;
    names.push(header.name);
    at += TAR_BLOCK * (1 + Math.ceil(header.sizeBytes / TAR_BLOCK));
  }
}

/** A `toc.dat`, in which nothing follows: a count of entries that is too small would leave out what they hold. */
async function readTocFile(reader: HeadReader): Promise<Toc> {
  const toc = await readToc(reader);
  if ((await reader.atLeast(toc.sizeBytes + 1)).length === toc.sizeBytes) return toc;
  throw new MusterError(
    'corrupt',
    'The table of contents of the dump is damaged: it names fewer entries than it has. Take another backup.',
  );
}

async function* skip(reader: HeadReader, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const head = await reader.atLeast(Math.min(to, Math.max(at * 2, 64 * 1024)));
    const piece = head.subarray(at, to);
    if (piece.length === 0) {
      // The fault of the source, or else the end that reading on will meet.
      if (reader.ended) return;
      continue;
    }
    at += piece.length;
    yield piece;
  }
}

async function identifyDirectory(path: string, signal: AbortSignal): Promise<PostgresFacts> {
  const names = await readdir(path);
  if (names.length === 0) throw empty();
  if (!names.includes('toc.dat')) {
    if (!names.some((name) => DIRECTORY_MEMBER.test(name))) {
      throw new MusterError('not_a_dump', 'The directory is no dump of pg_dump: there is no toc.dat in it.');
    }
    throw new MusterError(
      'truncated',
      'The directory has data of a dump but no toc.dat, which pg_dump writes last. Take another backup.',
    );
  }
  const reader = new HeadReader(readBackup(join(path, 'toc.dat'), signal));
  try {
    const toc = await readTocFile(reader);
    if (toc.format !== 'custom') return archiveFacts(toc, 'directory', 'none');
    throw new MusterError('not_a_dump', 'The toc.dat in the directory is a dump of another format.');
  } finally {
    await reader.close();
  }
}

/** Facts of a live dump, from the table of contents of its custom archive. */
export const factsOfToc = (toc: Toc): PostgresFacts => archiveFacts(toc, 'custom', 'none');

function archiveFacts(toc: Toc, container: Container, wrapper: Wrapper): PostgresFacts {
  return {
    format: formatOf(container, wrapper),
    major: newerMajor(toc.serverVersion, toc.toolVersion),
    ...(toc.serverVersion === '' ? {} : { serverVersion: toc.serverVersion }),
    ...(toc.toolVersion === '' ? {} : { toolVersion: toc.toolVersion }),
    ...(toc.createdAt === undefined ? {} : { createdAt: toc.createdAt, zoneless: true as const }),
    databases: [toc.database],
    container,
    wrapper,
    toc,
    shape: shapeOf(toc),
  };
}

/** Reads just the head of a custom archive off a byte stream (not wrapped), and gives back a stream of all its bytes. */
export async function peekToc(
  stream: Readable,
  signal: AbortSignal,
): Promise<{ readonly toc: Toc; readonly stream: Readable }> {
  const { seen: toc, stream: whole } = await peekStream(stream, signal, readToc);
  return { toc, stream: whole };
}
