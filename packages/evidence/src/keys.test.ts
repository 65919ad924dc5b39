import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listKeys, loadKeyring } from './keyring.js';
import { ensurePrivateKey, generateKeyPair, writeKeyPair } from './keys.js';
import { loadPrivateKey } from './private-key.js';
import { asUnprivileged } from './unprivileged.fixture.js';

const { signal } = new AbortController();
let directory: string;
const at = (...names: string[]): string => join(directory, ...names);
const paths = () => ({ privateKey: at('secret', 'muster.key'), keyring: at('keys') });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-keys-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('a key pair', () => {
  it('is written with a private key for its owner alone, and a public key named by its digest', async () => {
    const pair = generateKeyPair();
    await writeKeyPair(pair, paths(), signal);
    expect((await stat(paths().privateKey)).mode & 0o777).toBe(0o600);
    expect((await stat(at('secret'))).mode & 0o777).toBe(0o700);
    const der = createPublicKey(pair.publicKeyPem).export({ type: 'spki', format: 'der' });
    const digest = createHash('sha256').update(der).digest('hex');
    expect(pair.keyId).toBe(digest);
    expect(await readFile(at('keys', `${digest}.pem`), 'utf8')).toBe(pair.publicKeyPem);
  });

  it('is not made where its private key would lie among public ones', async () => {
    await mkdir(at('keys'));
    await symlink(at('keys'), at('other-name'));
    for (const privateKey of [at('keys', 'private.pem'), at('keys', 'more', 'k'), at('other-name', 'k')]) {
      const made = writeKeyPair(generateKeyPair(), { privateKey, keyring: at('keys') }, signal);
      await expect(made).rejects.toMatchObject({ code: 'usage' });
    }
    expect(await readdir(at('keys'))).toEqual([]);
  });

  it('is never written over a file', async () => {
    await writeKeyPair(generateKeyPair(), paths(), signal);
    const before = await readFile(paths().privateKey, 'utf8');
    await expect(writeKeyPair(generateKeyPair(), paths(), signal)).rejects.toMatchObject({
      code: 'key_exists',
    });
    expect(await readFile(paths().privateKey, 'utf8')).toBe(before);
    expect(await readdir(at('keys'))).toHaveLength(1);
  });
});

describe('a key made on first use', () => {
  it('is one and the same for all who start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => ensurePrivateKey(paths(), signal)));
    expect(new Set(keys.map((key) => key.keyId)).size).toBe(1);
    expect(keys.filter((key) => key.created)).toHaveLength(1);
    expect(await readdir(at('secret'))).toEqual(['muster.key']);
    expect(await readdir(at('keys'))).toEqual([`${keys[0]?.keyId}.pem`]);
  });

  it('is loaded the next time', async () => {
    const first = await ensurePrivateKey(paths(), signal);
    const second = await ensurePrivateKey(paths(), signal);
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.keyId).toBe(first.keyId);
  });

  it('gets its public key into the keyring also where an earlier start died before', async () => {
    const { keyId } = await ensurePrivateKey(paths(), signal);
    await rm(at('keys'), { recursive: true });
    await ensurePrivateKey(paths(), signal);
    expect((await loadKeyring(at('keys'))).keys.map((key) => key.keyId)).toEqual([keyId]);
  });

  it('is not believed to be in a keyring that holds another key under its name', async () => {
    const { keyId } = await ensurePrivateKey(paths(), signal);
    await writeFile(at('keys', `${keyId}.pem`), generateKeyPair().publicKeyPem);
    await expect(ensurePrivateKey(paths(), signal)).rejects.toMatchObject({ code: 'key_exists' });
  });

  it('is not replaced where the file is no key', async () => {
    await mkdir(at('secret'));
    await writeFile(paths().privateKey, '');
    await expect(ensurePrivateKey(paths(), signal)).rejects.toMatchObject({ code: 'key_invalid' });
    expect(await readFile(paths().privateKey, 'utf8')).toBe('');
  });

  it('says so where its directory cannot be made', async () => {
    await writeFile(at('secret'), 'a file');
    const made = ensurePrivateKey(paths(), signal);
    await expect(made).rejects.toMatchObject({ code: 'key_unreadable' });
    await expect(made).rejects.toThrow(/in the way/);
  });
});

describe('a key that cannot be written', () => {
  it('is an error that says what to do, also where only its keyring cannot be', async () => {
    await asUnprivileged(directory, async () => {
      await mkdir(at('keys'), { mode: 0o500 });
      const halfway = ensurePrivateKey(paths(), signal);
      await expect(halfway).rejects.toMatchObject({ code: 'state_unwritable' });
      await expect(halfway).rejects.toThrow(/public key.*no permission.*chown/);
      const { keyId, publicKeyPem } = await loadPrivateKey({ kind: 'file', path: paths().privateKey });
      await chmod(at('keys'), 0o700);
      await writeFile(at('keys', `${keyId}.pem`), publicKeyPem);
      await chmod(at('keys'), 0o500);
      expect(await ensurePrivateKey(paths(), signal)).toMatchObject({ keyId, created: false });
      await rm(at('secret'), { recursive: true });
      await chmod(directory, 0o500);
      await expect(ensurePrivateKey(paths(), signal)).rejects.toMatchObject({ code: 'state_unwritable' });
      await chmod(directory, 0o700);
    });
  });
});

describe('loading a private key', () => {
  const load = (path: string) => loadPrivateKey({ kind: 'file', path });

  it('reads PEM text as well as a file', async () => {
    const pair = generateKeyPair();
    await writeFile(at('k'), pair.privateKeyPem, { mode: 0o600 });
    const [fromFile, fromText] = await Promise.all([
      load(at('k')),
      loadPrivateKey({ kind: 'pem', pem: pair.privateKeyPem, name: 'env:KEY' }),
    ]);
    expect(fromFile).toMatchObject({
      keyId: pair.keyId,
      publicKeyPem: pair.publicKeyPem,
      readableByOthers: false,
    });
    expect(fromText).toMatchObject({ keyId: pair.keyId, readableByOthers: false });
  });

  it.each([0o640, 0o604, 0o644])('flags a file of mode %o as readable by others', async (mode) => {
    await writeFile(at('k'), generateKeyPair().privateKeyPem);
    await chmod(at('k'), mode);
    expect((await load(at('k'))).readableByOthers).toBe(true);
  });

  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
  const spki = { type: 'spki', format: 'pem' } as const;
  const ed25519 = generateKeyPairSync('ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const good = ed25519.privateKey.export(pkcs8).toString();
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['an RSA key', rsa.export(pkcs8).toString(), /kind RSA.*muster keys generate/],
    ['an RSA key in PKCS#1', rsa.export({ type: 'pkcs1', format: 'pem' }).toString(), /an RSA key/],
    ['an EC key', ec.export(pkcs8).toString(), /kind EC/],
    ['an EC key in SEC1', ec.export({ type: 'sec1', format: 'pem' }).toString(), /an EC key/],
    ['an Ed448 key', generateKeyPairSync('ed448').privateKey.export(pkcs8).toString(), /kind ED448/],
    ['a public key', ed25519.publicKey.export(spki).toString(), /is a public key/],
    [
      'an encrypted key',
      ed25519.privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      /encrypted.*openssl pkey/,
    ],
    ['a damaged key', good.replace(/\n.{10}/, '\n!!!!!!!!!!'), /damaged/],
    ['half a key', good.slice(0, 60), /damaged/],
    ['two keys', good + good, /2 PEM blocks/],
    ['nothing', '', /not a key in PEM/],
    ['something else', 'hello', /not a key in PEM/],
  ];
  it.each(wrong)('refuses %s, by its name and without quoting it', async (_, pem, message) => {
    await writeFile(at('k'), pem, { mode: 0o600 });
    const loaded = load(at('k'));
    await expect(loaded).rejects.toMatchObject({ code: 'key_invalid' });
    await expect(loaded).rejects.toThrow(message);
    const error = await loaded.catch((fault: Error) => fault);
    const body = pem.split('\n')[1] ?? '';
    if (body !== '') expect(String(error)).not.toContain(body);
  });

  it('says what to do where there is no file, a directory, or no permission', async () => {
    await expect(load(at('k'))).rejects.toMatchObject({ code: 'key_unreadable' });
    await expect(load(at('k'))).rejects.toThrow(
      `there is no such file. Make one with \`muster keys generate --out ${at('k')}\``,
    );
    await expect(load(directory)).rejects.toMatchObject({ code: 'key_unreadable' });
    await expect(load(directory)).rejects.toThrow(/is a directory/);
    await writeFile(at('k'), generateKeyPair().privateKeyPem, { mode: 0o000 });
    await asUnprivileged(directory, async () => {
      await expect(load(at('k'))).rejects.toMatchObject({ code: 'key_unreadable' });
      await expect(load(at('k'))).rejects.toThrow(/may not read it.*0600/);
    });
  });

  it('does not read a file that is far too large', async () => {
    await writeFile(at('k'), Buffer.alloc(1024 * 1024));
    await expect(load(at('k'))).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('does not wait for a pipe that nobody writes into', async () => {
    execFileSync('mkfifo', [at('k')]);
    await expect(load(at('k'))).rejects.toMatchObject({ code: 'key_unreadable' });
  });
});

describe('a keyring', () => {
  it('is a directory of public keys in the order of their ids, each once, or one file', async () => {
    const pairs = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
    for (const [index, pair] of pairs.entries()) await writeFile(at(`${index}.pem`), pair.publicKeyPem);
    await writeFile(at('again.pem'), pairs[0]?.publicKeyPem ?? '');
    await writeFile(at('README'), 'not a key');
    await writeFile(at('.hidden.pem'), 'not a key');
    await symlink(at('0.pem'), at('link.pem'));
    expect((await loadKeyring(directory)).keys.map((key) => key.keyId)).toEqual(
      pairs.map((pair) => pair.keyId).sort(),
    );
    expect((await loadKeyring(at('1.pem'))).keys.map((key) => key.keyId)).toEqual([pairs[1]?.keyId]);
  });

  it('with no key is none to verify with, but can be listed', async () => {
    expect(await listKeys(directory)).toEqual({ keys: [], faults: [] });
    await expect(loadKeyring(directory)).rejects.toMatchObject({ code: 'key_unreadable' });
  });

  it('that is not there is an error', async () => {
    await expect(loadKeyring(at('none'))).rejects.toMatchObject({ code: 'key_unreadable' });
    await expect(listKeys(at('none'))).rejects.toMatchObject({ code: 'key_unreadable' });
  });

  describe('with files that are no public keys', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const bad = {
      'a.pem': { text: generateKeyPair().privateKeyPem, why: /is a private key/ },
      'b.pem': {
        text: rsa.export({ type: 'spki', format: 'pem' }).toString(),
        why: /is a key of the kind RSA\. Remove it, or put an Ed25519 public key in its place \(`muster keys generate`/,
      },
      'c.pem': { text: 'not a key', why: /is not a key in PEM\. Remove it/ },
      'd.pem': { text: 'x'.repeat(100_000), why: /it has 100000 bytes\. Remove it/ },
    };
    beforeEach(async () => {
      for (const [name, { text }] of Object.entries(bad)) await writeFile(at(name), text);
      await symlink(at('nowhere'), at('e.pem'));
    });

    it('has the keys of the others, and names those', async () => {
      const good = generateKeyPair();
      await writeFile(at('z.pem'), good.publicKeyPem);
      const { keys, faults } = await loadKeyring(directory);
      expect(keys.map(({ keyId }) => keyId)).toEqual([good.keyId]);
      expect(faults).toEqual([
        ...Object.entries(bad).map(([name, { why }]) => ({
          path: at(name),
          code: 'key_invalid',
          why: expect.stringMatching(why),
        })),
        { path: at('e.pem'), code: 'key_unreadable', why: expect.stringContaining('no such file') },
      ]);
      expect(faults.map(({ why }) => why).join()).not.toContain('genpkey');
    });

    it('is none to verify with where they are all of it', async () => {
      await expect(loadKeyring(directory)).rejects.toMatchObject({ code: 'key_unreadable' });
      await expect(loadKeyring(directory)).rejects.toThrow(/a\.pem is a private key/);
    });

    it('is refused where one of them is named itself', async () => {
      await expect(loadKeyring(at('a.pem'))).rejects.toMatchObject({ code: 'key_invalid' });
    });
  });
});
