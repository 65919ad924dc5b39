import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineOf } from '@muster/engines';
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decrypted, readAgeKeys } from './age.js';
import { createDirectoryRepository } from './directory-repository.js';

const engine = engineOf('postgres');
const signal = AbortSignal.timeout(30_000);

const sealed = async (bytes: Uint8Array, ...identities: readonly string[]): Promise<Buffer> => {
  const encrypter = new Encrypter();
  for (const identity of identities) encrypter.addRecipient(await identityToRecipient(identity));
  return Buffer.from(await encrypter.encrypt(bytes));
};

/** In pieces of an odd size, so that no border of age's is one of theirs. */
async function* inPieces(bytes: Buffer, size = 9_973): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const open = async (bytes: Buffer, secret: string): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(decrypted(inPieces(bytes), readAgeKeys(secret))));

describe('what age encrypts', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 200_000])('is opened to its %d bytes', async (size) => {
    const identity = await generateX25519Identity();
    const bytes = randomBytes(size);
    const opened = await open(await sealed(bytes, identity), identity);
    expect(opened.equals(bytes)).toBe(true);
  });

  it('is opened by whichever identity of a file it is for, those for after quantum computers too', async () => {
    const [one, other, hybrid] = [
      await generateX25519Identity(),
      await generateX25519Identity(),
      await generateHybridIdentity(),
    ];
    const file = `# created: now\n${one}\n\n# another\n${hybrid}\n`;
    expect((await open(await sealed(Buffer.from('x'), one), file)).toString()).toBe('x');
    expect((await open(await sealed(Buffer.from('x'), hybrid), file)).toString()).toBe('x');
    await expect(open(await sealed(Buffer.from('x'), other), file)).rejects.toMatchObject({
      code: 'decrypt_failed',
      message: expect.not.stringContaining('AGE-SECRET'),
    });
  });

  it('is found cut at any byte, and never opened as less', async () => {
    const identity = await generateX25519Identity();
    const bytes = await sealed(randomBytes(70_000), identity);
    for (let length = 0; length < bytes.length; length += 997) {
      await expect(open(bytes.subarray(0, length), identity)).rejects.toMatchObject({ code: 'truncated' });
    }
  });

  it('is found damaged where something follows it', async () => {
    const identity = await generateX25519Identity();
    const bytes = await sealed(randomBytes(65_536), identity);
    await expect(open(Buffer.concat([bytes, randomBytes(40)]), identity)).rejects.toMatchObject({
      code: 'corrupt',
    });
  });

  it('has a header with an end', async () => {
    const endless = Buffer.concat([Buffer.from('age-encryption.org/v1\n-> X'), Buffer.alloc(2_000_000, 'x')]);
    await expect(open(endless, await generateX25519Identity())).rejects.toMatchObject({ code: 'corrupt' });
  });

  it.each([
    'AGE-PLUGIN-YUBIKEY-1XXX',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'two\nlines',
    'AGE-SECRET-KEY-1X\nmore',
  ])('is not opened by %s', (secret) => {
    expect(() => readAgeKeys(secret)).toThrow(/neither a file of identities/);
  });
});

describe('encrypted backups in a directory', () => {
  let directory: string;
  let identity: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'muster-age-'));
    identity = await generateX25519Identity();
  });
  afterEach(() => rm(directory, { recursive: true }));
  const list = (keys?: () => Promise<ReturnType<typeof readAgeKeys>>) =>
    createDirectoryRepository({ directory, match: undefined, engine, keys, pause: async () => {} }).list(
      signal,
    );

  it('are opened as they flow, beside what is not encrypted', async () => {
    const custom = await readFile(
      new URL('../../engines/src/postgres/format/fixtures/17.custom', import.meta.url),
    );
    const bytes = await sealed(custom, identity);
    await writeFile(join(directory, 'a.dump.age'), bytes);
    await writeFile(join(directory, 'b.dump'), custom);
    const backups = await list(async () => readAgeKeys(identity));
    expect(backups.map(({ id, facts, artefact }) => [id, facts?.format, artefact.form]).toSorted()).toEqual([
      ['a.dump.age', 'custom+age', 'flow'],
      ['b.dump', 'custom', 'file'],
    ]);
    const encrypted = backups.find(({ id }) => id === 'a.dump.age');
    if (encrypted?.artefact.form !== 'flow' || encrypted.facts === undefined) throw new Error('no flow');
    const options = { onBytes: () => undefined };
    const { sha256, fault } = await engine.examine(encrypted.artefact, encrypted.facts, options, signal);
    expect(fault).toBeUndefined();
    expect(sha256).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    await writeFile(join(directory, 'a.dump.age'), await sealed(custom, identity));
    await expect(engine.examine(encrypted.artefact, encrypted.facts, options, signal)).resolves.toMatchObject(
      { sizeBytes: bytes.length },
    );
  });

  it('are told to be encrypted where nothing opens them', async () => {
    await writeFile(join(directory, 'a.dump.age'), await sealed(Buffer.from('x'), identity));
    const [backup] = await list();
    if (backup?.artefact.form !== 'file') throw new Error('no file');
    await expect(engine.identify(backup.artefact, signal)).rejects.toMatchObject({
      code: 'decrypt_failed',
      message: expect.stringContaining('backup.decrypt'),
    });
  });
});
