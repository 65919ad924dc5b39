import { MusterError } from '@muster/core';
import type { HeadReader } from '../../bytes/head-reader.js';
import { decoderFor, serverEncoding } from './encoding.js';

/** One entry of an archive's table of contents. Its texts are not to be trusted. */
export interface TocEntry {
  readonly dumpId: number;
  readonly section?: 'none' | 'pre-data' | 'data' | 'post-data';
  /** What it is: `TABLE`, `TABLE DATA`, `EXTENSION`, `ACL` … */
  readonly desc: string;
  readonly tag: string;
  readonly namespace?: string;
  readonly owner?: string;
  readonly defn: string;
  readonly dropStmt?: string;
  readonly copyStmt?: string;
  /** True if the archive holds data for it. */
  readonly hadDumper: boolean;
  /** Custom archives: where its data block begins, if pg_dump could go back and write it down. */
  readonly data?: { readonly state: 'not_set' | 'set' | 'none'; readonly offset: number };
  /** Directory and tar: its member; in a directory possibly with `.gz`, `.lz4` or `.zst` added. */
  readonly filename?: string;
  readonly dependencies: readonly number[];
}

/** Header and table of contents of an archive of PostgreSQL (pg_backup_archiver.c), versions 1.12 to 1.16. */
export interface Toc {
  /** e.g. `1.14.0`. */
  readonly archiveVersion: string;
  /** `tar` also in the toc.dat of a directory. */
  readonly format: 'custom' | 'tar' | 'directory';
  readonly compression: 'none' | 'gzip' | 'lz4' | 'zstd';
  /** The archive's struct tm, read as UTC. */
  readonly createdAt?: Date;
  readonly database: string;
  /** e.g. `17.6 (Debian 17.6-1)`. */
  readonly serverVersion: string;
  readonly toolVersion: string;
  readonly entries: readonly TocEntry[];
  /** Bytes of header and table of contents: where the data blocks of a custom archive begin. */
  readonly sizeBytes: number;
  /** Bytes of one integer and of one offset in this archive. */
  readonly intSize: number;
  readonly offSize: number;
}

export const ARCHIVE_MAGIC = Buffer.from('PGDMP', 'latin1');

/** More than any real table of contents; a hostile one shall not fill the worker's memory. */
const MAX_TOC_BYTES = 512 * 1024 * 1024;
const MAX_STRING_BYTES = 64 * 1024 * 1024;
const FIRST_READ_BYTES = 64 * 1024;

const SECTIONS = { 1: 'none', 2: 'pre-data', 3: 'data', 4: 'post-data' } as const;
const ALGORITHMS = { 0: 'none', 1: 'gzip', 2: 'lz4', 3: 'zstd' } as const;
const DATA_STATES = { 1: 'not_set', 2: 'set', 3: 'none' } as const;

/** Thrown by {@link Cursor} where the bytes at hand end; more are read and the entry is tried again. */
const SHORT = Symbol('short');

const corrupt = (what: string): MusterError =>
  new MusterError('corrupt', `The table of contents of the dump is damaged: ${what}. Take another backup.`);

type Decode = (bytes: Buffer) => string;

class Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly #intSize: number;
  readonly #decode: Decode;

  constructor(bytes: Buffer, at: number, intSize: number, decode: Decode) {
    this.bytes = bytes;
    this.at = at;
    this.#intSize = intSize;
    this.#decode = decode;
  }

  #take(length: number): number {
    const start = this.at;
    if (start + length > this.bytes.length) throw SHORT;
    this.at = start + length;
    return start;
  }

  byte(): number {
    return this.bytes.readUInt8(this.#take(1));
  }

  int(): number {
    const start = this.#take(1 + this.#intSize);
    let value = 0;
    for (let i = this.#intSize; i >= 1; i -= 1) value = value * 256 + (this.bytes[start + i] ?? 0);
    if (!Number.isSafeInteger(value)) throw corrupt('a number is out of range');
    const sign = this.bytes[start];
    if (sign !== 0 && sign !== 1) throw corrupt('a number has no sign');
    return sign === 1 ? -value : value;
  }

  offset(offSize: number): number {
    const start = this.#take(offSize);
    let value = 0;
    for (let i = offSize - 1; i >= 0; i -= 1) value = value * 256 + (this.bytes[start + i] ?? 0);
    return value;
  }

  /** `undefined` is the archive's NULL. */
  string(): string | undefined {
    const length = this.int();
    if (length < 0) return undefined;
    if (length > MAX_STRING_BYTES) throw corrupt(`it holds a text of ${length} bytes`);
    const start = this.#take(length);
    return this.#decode(this.bytes.subarray(start, start + length));
  }
}

interface Header {
  readonly version: readonly [number, number, number];
  readonly intSize: number;
  readonly offSize: number;
  readonly format: Toc['format'];
  readonly compression: Toc['compression'];
  readonly createdAt?: Date;
  readonly database: string;
  readonly serverVersion: string;
  readonly toolVersion: string;
  readonly count: number;
}

/**
 * Reads header and table of contents from the beginning of an archive, and no more of it than needed.
 * @throws `truncated`, `corrupt`, `not_a_dump` (no `PGDMP`), `unsupported_dump` (an archive version we do not know).
 */
export async function readToc(reader: HeadReader): Promise<Toc> {
  const toc = await parse(reader, decoderFor('UTF8'));
  // It says in what encoding it is only in its midst.
  const named = toc.entries.find(({ desc }) => desc === 'ENCODING')?.defn.match(/'([^']*)'/)?.[1];
  const encoding = named === undefined ? undefined : serverEncoding(named);
  return encoding === undefined || encoding === 'UTF8' || encoding === 'SQL_ASCII'
    ? toc
    : parse(reader, decoderFor(encoding));
}

async function parse(reader: HeadReader, decode: Decode): Promise<Toc> {
  let at = 0;
  const attempt = async <T>(intSize: number, read: (cursor: Cursor) => T): Promise<T> => {
    for (;;) {
      const cursor = new Cursor(reader.head, at, intSize, decode);
      try {
        const result = read(cursor);
        at = cursor.at;
        return result;
      } catch (error) {
        if (error !== SHORT) throw error;
      }
      if (reader.ended) {
        throw new MusterError(
          'truncated',
          'The dump ends inside its table of contents. Take another backup.',
        );
      }
      if (reader.head.length > MAX_TOC_BYTES) throw corrupt(`it is larger than ${MAX_TOC_BYTES} bytes`);
      // Doubling keeps the work linear in what is read, however long one entry claims to be.
      await reader.atLeast(Math.max(FIRST_READ_BYTES, reader.head.length * 2));
    }
  };

  await reader.atLeast(FIRST_READ_BYTES);
  const layout = await attempt(4, readLayout);
  const header = await attempt(layout.intSize, (cursor) => readHeader(cursor, layout));
  const entries: TocEntry[] = [];
  while (entries.length < header.count) {
    entries.push(await attempt(header.intSize, (cursor) => readEntry(cursor, header)));
  }
  const { version, count: _, ...facts } = header;
  return { ...facts, archiveVersion: version.join('.'), entries, sizeBytes: at };
}

type Layout = Pick<Header, 'version' | 'intSize' | 'offSize' | 'format'>;

function readLayout(cursor: Cursor): Layout {
  for (const expected of ARCHIVE_MAGIC) {
    if (cursor.byte() !== expected) throw new MusterError('not_a_dump', 'The file is no archive of pg_dump.');
  }
  const version = [cursor.byte(), cursor.byte(), cursor.byte()] as const;
  if (version[0] !== 1 || version[1] < 12 || version[1] > 16) {
    throw new MusterError(
      'unsupported_dump',
      `The dump is an archive of version ${version.join('.')}; versions 1.12 to 1.16 are read (pg_dump 9.6 to 18).`,
    );
  }
  const intSize = cursor.byte();
  const offSize = cursor.byte();
  if (intSize < 2 || intSize > 8 || offSize < 2 || offSize > 8)
    throw corrupt('its integers have an impossible size');
  const format = { 1: 'custom', 3: 'tar', 5: 'directory' }[cursor.byte()] as Toc['format'] | undefined;
  if (format === undefined) throw corrupt('it is of no known format');
  return { version, intSize, offSize, format };
}

function readHeader(cursor: Cursor, layout: Layout): Header {
  const compression = readCompression(cursor, layout.version[1]);
  const [second, minute, hour, day, month, year] = [0, 0, 0, 0, 0, 0].map(() => cursor.int()) as [
    ...[number, number, number, number, number, number],
  ];
  cursor.int(); // tm_isdst
  const createdAt = new Date(Date.UTC(year + 1900, month, day, hour, minute, second));
  const database = cursor.string() ?? '';
  const serverVersion = cursor.string() ?? '';
  const toolVersion = cursor.string() ?? '';
  const count = cursor.int();
  if (count < 0) throw corrupt('it has a negative number of entries');
  // pg_dump was connected to it, which no one ever is to template0.
  if (database === '' || database === 'template0' || database.includes('\0'))
    throw corrupt('it names no database that could have been dumped');
  const known = !Number.isNaN(createdAt.getTime()) && year >= 70 && year < 8000;
  return {
    ...layout,
    compression,
    database,
    serverVersion,
    toolVersion,
    count,
    ...(known ? { createdAt } : {}),
  };
}

function readCompression(cursor: Cursor, minor: number): Toc['compression'] {
  if (minor < 15) return cursor.int() === 0 ? 'none' : 'gzip';
  const algorithm = ALGORITHMS[cursor.byte() as keyof typeof ALGORITHMS];
  if (algorithm === undefined) throw corrupt('its compression is unknown');
  return algorithm;
}

const defined = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });

function readEntry(cursor: Cursor, header: Header): TocEntry {
  const minor = header.version[1];
  const dumpId = cursor.int();
  if (dumpId <= 0) throw corrupt('an entry has no id');
  const hadDumper = cursor.int() !== 0;
  cursor.string(); // tableoid
  cursor.string(); // oid
  const tag = cursor.string() ?? '';
  const desc = cursor.string() ?? '';
  const section = SECTIONS[cursor.int() as keyof typeof SECTIONS];
  const defn = cursor.string() ?? '';
  const dropStmt = cursor.string();
  const copyStmt = cursor.string();
  const namespace = cursor.string();
  cursor.string(); // tablespace
  if (minor >= 14) cursor.string(); // table access method
  if (minor >= 16) cursor.int(); // relkind
  const owner = cursor.string();
  cursor.string(); // WITH OIDS
  const dependencies: number[] = [];
  for (let id = cursor.string(); id !== undefined; id = cursor.string()) {
    if (!/^\d{1,10}$/.test(id)) throw corrupt('a dependency is no number');
    dependencies.push(Number(id));
  }
  const base = {
    ...{ dumpId, hadDumper, tag, desc, defn, dependencies },
    ...defined('section', section),
    ...defined('dropStmt', dropStmt),
    ...defined('copyStmt', copyStmt),
    ...defined('namespace', namespace),
    ...defined('owner', owner === '' ? undefined : owner),
  };
  if (header.format !== 'custom') {
    const filename = cursor.string();
    return { ...base, ...defined('filename', filename === '' ? undefined : filename) };
  }
  const state = DATA_STATES[cursor.byte() as keyof typeof DATA_STATES];
  if (state === undefined) throw corrupt('an entry does not say where its data are');
  return { ...base, data: { state, offset: cursor.offset(header.offSize) } };
}
