import { createDecipheriv, hkdfSync, scrypt } from 'node:crypto';
import { isMusterError, MusterError } from '@muster/core';
import { cutShort, Pieces } from '@muster/engines';
import type { Decrypter, Stanza } from 'age-encryption';

/** What opens files that are encrypted with age: https://age-encryption.org/v1. */
export type AgeKeys =
  | { readonly kind: 'identities'; readonly identities: readonly string[] }
  | { readonly kind: 'passphrase'; readonly passphrase: string };

const MAGIC = 'age-encryption.org/v1\n';
const PASSPHRASE_STANZA = '-> scrypt ';

export const isAge = (head: Buffer): boolean => head.subarray(0, MAGIC.length).toString('latin1') === MAGIC;

/** To open it costs a second of work: its stanza is the only one. */
export const hasPassphrase = (head: Buffer): boolean =>
  head.subarray(MAGIC.length, MAGIC.length + PASSPHRASE_STANZA.length).toString('latin1') ===
  PASSPHRASE_STANZA;

/**
 * A secret is a file of identities as `age-keygen` writes it, if a line of it begins with `AGE-SECRET-KEY-`; else all of
 * it is a passphrase. @throws `decrypt_failed` for what can be neither.
 */
export function readAgeKeys(secret: string): AgeKeys {
  const lines = secret.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  const identities = lines.filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (identities.length > 0 && identities.length === lines.length) return { kind: 'identities', identities };
  if (identities.length === 0 && lines.length === 1 && !/^(AGE-PLUGIN-|-----BEGIN )/.test(secret))
    return { kind: 'passphrase', passphrase: secret };
  throw new MusterError(
    'decrypt_failed',
    'What backup.decrypt.age (or --decrypt) refers to is neither a file of identities as age-keygen writes it nor a passphrase of one line.',
  );
}

/** More than any header has; what goes on without an end is none. */
const LONGEST_HEADER = 1024 * 1024;
/** Bytes that age encrypts at a time, and what each such piece grows by. */
const PIECE = 64 * 1024;
const TAG = 16;

/**
 * The bytes inside. The header is the library's matter; what follows it is opened by Node itself, ten times as fast.
 * @throws `decrypt_failed` where the keys do not open it, `corrupt`, `truncated`.
 */
export async function* decrypted(
  bytes: AsyncIterable<Buffer>,
  keys: AgeKeys,
): AsyncGenerator<Buffer, void, undefined> {
  const source = new Pieces(bytes, 'encrypted');
  const fileKey = await fileKeyOf(await readHeader(source), keys);
  const nonce = await source.header(16);
  const key = Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  let piece = await source.upTo(PIECE + TAG);
  for (let index = 0; piece.length > 0 || index === 0; index += 1) {
    const next = await source.upTo(PIECE + TAG);
    const last = next.length === 0;
    const plain = openPiece(key, index, last, piece);
    if (plain === undefined) throw last && isCut(key, index, piece) ? cutShort('encrypted') : damaged();
    if (last && plain.length === 0 && index > 0) throw damaged();
    if (plain.length > 0) yield plain;
    piece = next;
  }
}

/** A piece that is whole was not the last of its file; of a shorter one nothing tells whether it was cut or damaged. */
const isCut = (key: Buffer, index: number, piece: Buffer): boolean =>
  piece.length < PIECE + TAG || openPiece(key, index, false, piece) !== undefined;

function openPiece(key: Buffer, index: number, last: boolean, piece: Buffer): Buffer | undefined {
  if (piece.length < TAG) return undefined;
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce.writeUInt8(last ? 1 : 0, 11);
  return opened(key, nonce, piece);
}

function opened(key: Uint8Array, nonce: Buffer, sealed: Uint8Array): Buffer | undefined {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG });
  decipher.setAuthTag(sealed.subarray(-TAG));
  const plain = decipher.update(sealed.subarray(0, -TAG));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

/** Up to the end of the line that begins with three dashes. */
async function readHeader(source: Pieces): Promise<Buffer> {
  const lines: Buffer[] = [];
  let line: Buffer[] = [];
  for (let length = 0; length < LONGEST_HEADER; length += 1) {
    const byte = await source.header(1);
    line.push(byte);
    if (byte[0] !== 0x0a) continue;
    const whole = Buffer.concat(line);
    lines.push(whole);
    if (whole.toString('latin1', 0, 4) === '--- ') return Buffer.concat(lines);
    line = [];
  }
  throw damaged();
}

async function fileKeyOf(header: Buffer, keys: AgeKeys): Promise<Uint8Array> {
  try {
    return await (await decrypter(keys)).decryptHeader(header);
  } catch (error) {
    if (isMusterError(error)) throw error;
    if (error instanceof Error && error.message.startsWith('no identity matched')) {
      const named = keys.kind === 'passphrase' ? 'passphrase' : 'identities';
      throw new MusterError(
        'decrypt_failed',
        `The backup is encrypted with age, and not for the ${named} that backup.decrypt.age (or --decrypt) refers to: name the right one.`,
        { cause: error },
      );
    }
    throw damaged(error);
  }
}

async function decrypter(keys: AgeKeys): Promise<Decrypter> {
  // Loaded only for what is encrypted: it takes as long as most commands.
  const age = await import('age-encryption');
  const made = new age.Decrypter();
  if (keys.kind === 'passphrase') made.addIdentity(passphraseIdentity(keys.passphrase));
  else {
    for (const identity of keys.identities) {
      try {
        made.addIdentity(identity);
      } catch (cause) {
        throw new MusterError(
          'decrypt_failed',
          'An identity in the file that backup.decrypt.age (or --decrypt) refers to is damaged: write it again as age-keygen printed it.',
          { cause },
        );
      }
    }
  }
  return made;
}

/** 2^20: a gibibyte of memory and seconds of work, for whatever a file asks. The age command itself writes 18. */
const MOST_WORK = 20;

/** The library's own one would block this process for as long as that work takes. */
const passphraseIdentity = (passphrase: string) => ({
  unwrapFileKey: async (stanzas: readonly Stanza[]): Promise<Uint8Array | null> => {
    const [stanza, ...others] = stanzas;
    if (stanza?.args[0] !== 'scrypt') return null;
    const [, salt = '', work = ''] = stanza.args;
    const label = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), Buffer.from(salt, 'base64')]);
    if (
      others.length > 0 ||
      stanza.args.length !== 3 ||
      !/^[1-9]\d?$/.test(work) ||
      stanza.body.length !== 32
    )
      throw new Error('invalid scrypt stanza');
    if (Number(work) > MOST_WORK) {
      throw new MusterError(
        'decrypt_failed',
        `The backup asks for a scrypt work factor of ${work}, and ${MOST_WORK} is the most that is done: encrypt backups with a lower one, or better to a recipient.`,
      );
    }
    const key = await derive(passphrase, label, 2 ** Number(work));
    return opened(key, Buffer.alloc(12), stanza.body) ?? null;
  },
});

function derive(passphrase: string, salt: Buffer, cost: number): Promise<Buffer> {
  const options = { N: cost, r: 8, p: 1, maxmem: cost * 1024 + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

const damaged = (cause?: unknown): MusterError =>
  new MusterError('corrupt', 'The encrypted data of the backup are damaged. Take another backup.', { cause });
