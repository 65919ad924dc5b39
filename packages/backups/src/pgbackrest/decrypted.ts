import { createDecipheriv, createHash, type Decipheriv } from 'node:crypto';
import { MusterError } from '@muster/core';
import { HeadReader } from '@muster/engines';
import type { InfoSource } from './info-source.js';

const MAGIC = Buffer.from('Salted__');
const SALT_BYTES = 8;
/** How every file begins whose bytes are read here. */
const BEGINNING = '[backrest]';

/**
 * The bytes of an info file, out of what `openssl enc -aes-256-cbc -md sha1` would write: `Salted__`, eight bytes of salt,
 * and a key of one round of hashing. @throws `decrypt_failed`, `corrupt` where it ends early.
 */
export async function* decrypted({ name, bytes, passphrase }: InfoSource): AsyncGenerator<Buffer> {
  const reader = new HeadReader<Buffer>(bytes());
  const head = await reader.atLeast(MAGIC.length + SALT_BYTES);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) {
    if (passphrase !== undefined && begins(head)) {
      await reader.close();
      throw new MusterError(
        'decrypt_failed',
        `${name} is not encrypted, and a passphrase is given: take repo.cipher_pass out of the source.`,
      );
    }
    return yield* reader.whole();
  }
  if (passphrase === undefined) {
    await reader.close();
    throw new MusterError(
      'decrypt_failed',
      `${name} is encrypted: give its passphrase with repo.cipher_pass of the source.`,
    );
  }
  const { key, iv } = deriveKey(passphrase, head.subarray(MAGIC.length, MAGIC.length + SALT_BYTES));
  const decipher = createDecipheriv('aes-256-cbc', key, iv);
  const plain = new HeadReader<Buffer>(
    (async function* () {
      let skipped = MAGIC.length + SALT_BYTES;
      for await (const chunk of reader.whole()) {
        yield decipher.update(chunk.subarray(skipped));
        skipped = Math.max(0, skipped - chunk.length);
      }
      yield finalOf(decipher, name);
    })(),
  );
  // Of wrong passphrases one in some hundreds comes out with a good padding.
  if (!begins(await plain.atLeast(BEGINNING.length))) {
    await plain.close();
    throw new MusterError(
      'decrypt_failed',
      `${name} could not be decrypted: correct the passphrase (repo.cipher_pass of the source).`,
    );
  }
  yield* plain.whole();
}

const begins = (head: Buffer): boolean => head.subarray(0, BEGINNING.length).toString('latin1') === BEGINNING;

function finalOf(decipher: Decipheriv, name: string): Buffer {
  try {
    return decipher.final();
  } catch {
    // Told without what the library said.
    throw new MusterError('corrupt', `${name} ends before its end. See what \`pgbackrest info\` says.`);
  }
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
