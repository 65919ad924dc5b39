import { createHash } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { MusterError } from '@muster/core';
import { decrypted } from './decrypted.js';
import type { InfoSource } from './info-source.js';

/** One line of an info file. The value is JSON. */
export interface InfoPair {
  readonly section: string;
  readonly key: string;
  readonly value: unknown;
}

/** A whole info file: sections of keys. */
export type InfoFile = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

const MIB = 1024 * 1024;
/** More than is written of thousands of sets: all of it is held in memory. */
const LONGEST_INFO = 16 * MIB;
/** More than is written of millions of files. */
const LONGEST_MANIFEST = 1024 * MIB;
/** More than is written of one set, or of one file. */
const LONGEST_LINE = 4 * MIB;

/**
 * Reads an info file that is not large. Its checksum is in it.
 * @throws `corrupt`, also where it is far too long; `decrypt_failed`, what `bytes` throws.
 */
export async function readInfoFile(source: InfoSource): Promise<InfoFile> {
  const read = new Map<string, Map<string, unknown>>();
  for await (const { section, key, value } of infoPairs(source, LONGEST_INFO)) {
    const pairs = read.get(section) ?? new Map<string, unknown>();
    read.set(section, pairs.set(key, value));
  }
  return read;
}

const HEAD = 'backrest';
const CHECKSUM = 'backrest-checksum';

/**
 * The pairs of an info file, a large one too, in their order. That they are those that were written is known at the end.
 * pgBackRest hashes the file as one JSON document, in its own order, without the checksum itself.
 * @throws as {@link readInfoFile}.
 */
export async function* infoPairs(
  source: InfoSource,
  mostBytes = LONGEST_MANIFEST,
): AsyncGenerator<InfoPair, void, undefined> {
  const hash = createHash('sha1').update('{');
  let section = '';
  let hashed: string | undefined;
  let checksum: unknown;
  for await (const line of linesOf(source, mostBytes)) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    if (heading !== undefined || line === '') continue;
    // A key may hold `=` itself.
    const [, key, text] = /^(.+?)=(["[{\-0-9tfn].*)$/.exec(line) ?? [];
    if (key === undefined || text === undefined) throw damaged(source);
    const value = parseJson(text, source);
    if (section === HEAD && key === CHECKSUM) {
      checksum = value;
      continue;
    }
    if (section !== hashed) hash.update(`${hashed === undefined ? '' : '},'}"${section}":{`);
    hash.update(`${section === hashed ? ',' : ''}"${key}":${text}`);
    hashed = section;
    yield { section, key, value };
  }
  const end = hashed === undefined ? '}' : '}}';
  if (checksum !== hash.update(end).digest('hex')) throw damaged(source);
}

async function* linesOf(source: InfoSource, mostBytes: number): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let bytes = 0;
  for await (const chunk of decrypted(source)) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLong(source, 'as a whole', mostBytes);
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw tooLong(source, 'in one line', LONGEST_LINE);
    yield* lines;
  }
  yield rest + decoder.end();
}

function parseJson(value: string, source: InfoSource): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw damaged(source);
  }
}

const tooLong = ({ name }: InfoSource, where: string, mostBytes: number): MusterError =>
  new MusterError(
    'corrupt',
    `${name} is damaged: ${where} it is over ${mostBytes / MIB} MiB, more than pgBackRest writes. See what \`pgbackrest info\` says.`,
  );

const damaged = ({ name }: InfoSource): MusterError =>
  new MusterError(
    'corrupt',
    `${name} is damaged: its checksum is not that of what is in it. See what \`pgbackrest info\` says.`,
  );
