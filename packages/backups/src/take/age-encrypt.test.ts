import { randomBytes } from 'node:crypto';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, it } from 'vitest';
import { decrypted, readAgeKeys } from '../age.js';
import { encrypted, readAgeRecipients } from './age-encrypt.js';

const PIECE = 64 * 1024;

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const together = async (bytes: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(bytes));

it.each([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 300_000])(
  '%i bytes are what any reader of age finds inside',
  async (length) => {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const plain = randomBytes(length);
    const file = await together(
      encrypted(inChunks(plain, 50_000), readAgeRecipients(`# ours\n${recipient}\n`)),
    );
    const other = new Decrypter();
    other.addIdentity(identity);
    expect(Buffer.from(await other.decrypt(file)).equals(plain)).toBe(true);
    expect((await together(decrypted(inChunks(file, 7_777), readAgeKeys(identity)))).equals(plain)).toBe(
      true,
    );
  },
);

it('a passphrase opens what it closed', async () => {
  const file = await together(
    encrypted(inChunks(Buffer.from('dump'), 4), readAgeRecipients('a long phrase')),
  );
  const plain = await together(decrypted(inChunks(file, 100), readAgeKeys('a long phrase')));
  expect(plain.toString()).toBe('dump');
});

it.each(['AGE-SECRET-KEY-1XYZ', 'age1abc\nand a phrase', 'ssh-ed25519 AAAA', 'two\nlines'])(
  'what can be neither recipients nor a passphrase is refused: %j',
  (secret) => {
    expect(() => readAgeRecipients(secret)).toThrow(
      expect.objectContaining({ code: 'secret_unavailable', message: expect.not.stringContaining(secret) }),
    );
  },
);

it('a damaged recipient is refused without being quoted', async () => {
  const damaged = together(encrypted(inChunks(Buffer.from('x'), 1), readAgeRecipients('age1notarecipient')));
  await expect(damaged).rejects.toMatchObject({
    code: 'secret_unavailable',
    message: expect.not.stringContaining('notarecipient'),
  });
});
