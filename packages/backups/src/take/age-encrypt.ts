import { createCipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { MusterError } from '@muster/core';
import type { Stanza } from 'age-encryption';

/** For whom a backup is encrypted with age: https://age-encryption.org/v1. */
export type AgeRecipients =
  | { readonly kind: 'recipients'; readonly recipients: readonly string[] }
  | { readonly kind: 'passphrase'; readonly passphrase: string };

/**
 * A secret is a list of recipients, one a line as `age -R` reads them, if its lines begin with `age1`; else all of it is a
 * passphrase. @throws `secret_unavailable` for what can be neither.
 */
export function readAgeRecipients(secret: string): AgeRecipients {
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const recipients = lines.filter((line) => line.startsWith('age1'));
  if (recipients.length > 0 && recipients.length === lines.length) return { kind: 'recipients', recipients };
  const isPassphrase = !/^(AGE-|-----BEGIN |ssh-)/.test(secret);
  if (recipients.length === 0 && lines.length === 1 && isPassphrase)
    return { kind: 'passphrase', passphrase: secret };
  throw new MusterError(
    'secret_unavailable',
    'What take.encrypt.age refers to is neither a list of recipients (age1…, one a line) nor a passphrase of one line. Identities (AGE-SECRET-KEY-…) open backups: they belong into backup.decrypt.age, and where backups are taken nobody needs them.',
  );
}

/** Bytes that age encrypts at a time. */
const PIECE = 64 * 1024;

/**
 * The bytes of a file of age with `bytes` inside. The header is the library's matter; what follows it is closed by Node
 * itself, ten times as fast. @throws `secret_unavailable` for a damaged recipient, and what `bytes` throws.
 */
export async function* encrypted(
  bytes: AsyncIterable<Uint8Array>,
  recipients: AgeRecipients,
): AsyncGenerator<Buffer, void, undefined> {
  const { header, fileKey } = await headerFor(recipients);
  const nonce = randomBytes(16);
  const key = Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  yield Buffer.concat([header, nonce]);
  let index = 0;
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    const sealed: Buffer[] = [];
    // A piece that is full is not the last one unless nothing comes after it.
    let at = 0;
    for (; held.length - at > PIECE; at += PIECE, index += 1)
      sealed.push(seal(key, index, false, held.subarray(at, at + PIECE)));
    held = held.subarray(at);
    if (sealed.length > 0) yield Buffer.concat(sealed);
  }
  yield seal(key, index, true, held);
}

function seal(key: Buffer, index: number, last: boolean, plain: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce.writeUInt8(last ? 1 : 0, 11);
  return sealed(key, nonce, plain);
}

function sealed(key: Uint8Array, nonce: Buffer, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

interface Header {
  readonly header: Buffer;
  readonly fileKey: Uint8Array;
}

/** What follows the header in an empty file: a nonce, and the tag of nothing. */
const AFTER_HEADER = 16 + 16;

async function headerFor(recipients: AgeRecipients): Promise<Header> {
  // Loaded only for what is encrypted: it takes as long as most commands.
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  let fileKey: Uint8Array | undefined;
  // The library tells the key to whoever is to wrap it, and this one wraps nothing.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  if (recipients.kind === 'passphrase')
    encrypter.addRecipient(passphraseRecipient(age, recipients.passphrase));
  else {
    for (const recipient of recipients.recipients) {
      try {
        encrypter.addRecipient(recipient);
      } catch (cause) {
        throw new MusterError(
          'secret_unavailable',
          'A recipient in what take.encrypt.age refers to is damaged, or of a kind that is not known: write it again as age-keygen printed it.',
          { cause },
        );
      }
    }
  }
  const empty = await encrypter.encrypt(new Uint8Array());
  if (fileKey === undefined) throw new Error('age made no key');
  return { header: Buffer.from(empty.subarray(0, empty.length - AFTER_HEADER)), fileKey };
}

/** As the age command writes it: a second of work for who opens it, and for who guesses. */
const WORK = 18;

/** The library's own one would block this process for as long as that work takes. */
const passphraseRecipient = ({ Stanza }: typeof import('age-encryption'), passphrase: string) => ({
  wrapFileKey: async (fileKey: Uint8Array): Promise<Stanza[]> => {
    const salt = randomBytes(16);
    const label = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), salt]);
    const key = await derive(passphrase, label, 2 ** WORK);
    const encodedSalt = salt.toString('base64').replace(/=+$/, '');
    return [new Stanza(['scrypt', encodedSalt, String(WORK)], sealed(key, Buffer.alloc(12), fileKey))];
  },
});

function derive(passphrase: string, salt: Buffer, cost: number): Promise<Buffer> {
  const options = { N: cost, r: 8, p: 1, maxmem: cost * 1024 + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
