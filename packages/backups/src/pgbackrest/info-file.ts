import { createDecipheriv, createHash } from 'node:crypto';
import { MusterError } from '@muster/core';

/** One of pgBackRest's info files: sections of keys with JSON values. */
export type InfoFile = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

const MAGIC = Buffer.from('Salted__');

/**
 * Reads an info file, such as `backup.info`. Its checksum is in it.
 * @throws `corrupt`, `decrypt_failed`.
 */
export function readInfoFile(bytes: Buffer, name: string, passphrase: string | undefined): InfoFile {
  const written = sectionsOf(decrypted(bytes, name, passphrase).toString('utf8'), name);
  const read = new Map(
    [...written].map(([section, pairs]) => [
      section,
      new Map([...pairs].map(([key, value]) => [key, parseJson(value, name)])),
    ]),
  );
  if (read.get(HEAD)?.get(CHECKSUM) !== checksumOf(written)) throw damaged(name);
  return read;
}

const HEAD = 'backrest';
const CHECKSUM = 'backrest-checksum';

type Written = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Values as they are written: JSON, one a line. A key may hold `=` itself. */
function sectionsOf(text: string, name: string): Written {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split('\n')) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading !== undefined) {
      section = sections.get(heading) ?? new Map();
      sections.set(heading, section);
    } else if (line !== '') {
      const [, key, value] = /^(.+?)=(["[{\-0-9tfn].*)$/.exec(line) ?? [];
      if (key === undefined || value === undefined) throw damaged(name);
      section.set(key, value);
    }
  }
  return sections;
}

/** pgBackRest hashes the file as one JSON document, in its own order, without the checksum itself. */
function checksumOf(written: Written): string {
  const sections = [...written].map(([section, pairs]) => {
    const kept = [...pairs].filter(([key]) => section !== HEAD || key !== CHECKSUM);
    return `"${section}":{${kept.map(([key, value]) => `"${key}":${value}`).join(',')}}`;
  });
  return createHash('sha1')
    .update(`{${sections.join(',')}}`)
    .digest('hex');
}

function parseJson(value: string, name: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw damaged(name);
  }
}

/** As `openssl enc -aes-256-cbc -md sha1` writes: `Salted__`, eight bytes of salt, and a key of one round of hashing. */
function decrypted(bytes: Buffer, name: string, passphrase: string | undefined): Buffer {
  const encrypted = bytes.subarray(0, MAGIC.length).equals(MAGIC);
  if (!encrypted) return bytes;
  if (passphrase === undefined) {
    throw new MusterError(
      'decrypt_failed',
      `${name} is encrypted: give its passphrase with repo.cipher_pass of the source.`,
    );
  }
  const salt = bytes.subarray(MAGIC.length, MAGIC.length + 8);
  const { key, iv } = deriveKey(passphrase, salt);
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, iv);
    const plain = Buffer.concat([decipher.update(bytes.subarray(MAGIC.length + 8)), decipher.final()]);
    // Of wrong passphrases one in some hundreds comes out with a good padding.
    if (plain.subarray(0, 10).toString('latin1') === '[backrest]') return plain;
  } catch {
    // Told below, without what the library said.
  }
  throw new MusterError(
    'decrypt_failed',
    `${name} could not be decrypted: correct the passphrase (repo.cipher_pass of the source).`,
  );
}

const KEY_BYTES = 32;
const IV_BYTES = 16;

/** OpenSSL's EVP_BytesToKey with SHA-1 and one round. */
function deriveKey(passphrase: string, salt: Buffer): { readonly key: Buffer; readonly iv: Buffer } {
  let made = Buffer.alloc(0);
  let block = Buffer.alloc(0);
  while (made.length < KEY_BYTES + IV_BYTES) {
    block = createHash('sha1')
      .update(Buffer.concat([block, Buffer.from(passphrase, 'utf8'), salt]))
      .digest();
    made = Buffer.concat([made, block]);
  }
  return { key: made.subarray(0, KEY_BYTES), iv: made.subarray(KEY_BYTES, KEY_BYTES + IV_BYTES) };
}

const damaged = (name: string): MusterError =>
  new MusterError(
    'corrupt',
    `${name} is damaged: its checksum is not that of what is in it. See what \`pgbackrest info\` says.`,
  );
