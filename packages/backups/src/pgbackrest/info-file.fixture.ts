import { createCipheriv, createHash, randomBytes } from 'node:crypto';

/** As pgBackRest writes it, its checksum included. */
export function writeInfo(sections: Readonly<Record<string, object>>): string {
  const checksum = createHash('sha1').update(JSON.stringify(sections)).digest('hex');
  const lines = Object.entries(sections).flatMap(([name, pairs]) => [
    `[${name}]`,
    ...Object.entries(pairs).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
    '',
  ]);
  return [...lines, '[backrest]', `backrest-checksum="${checksum}"`, ''].join('\n');
}

/** As `openssl enc -aes-256-cbc -md sha1 -pass pass:…` does. */
export function encrypted(text: string, passphrase: string): Buffer {
  const salt = randomBytes(8);
  const hash = (before: Buffer) =>
    createHash('sha1')
      .update(Buffer.concat([before, Buffer.from(passphrase), salt]))
      .digest();
  const first = hash(Buffer.alloc(0));
  const second = hash(first);
  const made = Buffer.concat([first, second, hash(second)]);
  const cipher = createCipheriv('aes-256-cbc', made.subarray(0, 32), made.subarray(32, 48));
  return Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(text), cipher.final()]);
}
