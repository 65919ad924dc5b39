import { generateKeyPairSync } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import { adviceFor } from './file-fault.js';
import { keyIdOf, toPublicPem } from './key-id.js';
import { type LoadedPrivateKey, loadPrivateKey } from './private-key.js';
import { writeOnce } from './write-once.js';

export interface KeyPair {
  readonly keyId: string;
  /** PKCS#8. */
  readonly privateKeyPem: string;
  /** SPKI. */
  readonly publicKeyPem: string;
}

/** Where a pair lies. */
export interface KeyPaths {
  /** The file of the private key. */
  readonly privateKey: string;
  /** The directory of public keys: the pair's own goes to `<keyid>.pem` in it. */
  readonly keyring: string;
}

/** A new Ed25519 pair, in memory alone. */
export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    keyId: keyIdOf(publicKey),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: toPublicPem(publicKey),
  };
}

/**
 * Writes a pair: the private key with mode 0600 and never over another file, the public key into the keyring.
 * @throws `usage` where the private key would lie in the keyring, which is for everybody; `key_exists`, `state_unwritable`.
 */
export async function writeKeyPair(pair: KeyPair, paths: KeyPaths, signal: AbortSignal): Promise<void> {
  if (await isWithin(paths.keyring, paths.privateKey)) {
    throw new MusterError(
      'usage',
      `${paths.privateKey} would lie in the keyring ${paths.keyring}, which holds public keys, for everybody to read: choose a place for the private key outside of it.`,
    );
  }
  if (!(await writePrivateKey(pair, paths.privateKey, signal))) {
    throw new MusterError(
      'key_exists',
      `There is a file at ${paths.privateKey} already, and a signing key is never overwritten: choose another path, or move that one away.`,
    );
  }
  await publish(pair, paths.keyring, signal);
}

async function isWithin(directory: string, file: string): Promise<boolean> {
  const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
  const way = relative(await real(directory), await real(dirname(file)));
  return way !== '..' && !way.startsWith(`..${sep}`);
}

export interface EnsuredPrivateKey extends LoadedPrivateKey {
  /** True where this call made the key. */
  readonly created: boolean;
}

/**
 * The private key at a path, made on first use. Of several processes that start at once one makes it and all load that one.
 * Its public key is then in the keyring, also where an earlier start died before it could put it there.
 * @throws `key_unreadable`, `key_invalid`, `state_unwritable`.
 */
export async function ensurePrivateKey(paths: KeyPaths, signal: AbortSignal): Promise<EnsuredPrivateKey> {
  const found = await loadIfThere(paths.privateKey);
  const created = found === undefined && (await writePrivateKey(generateKeyPair(), paths.privateKey, signal));
  const key = found ?? (await loadPrivateKey({ kind: 'file', path: paths.privateKey }));
  await publish(key, paths.keyring, signal);
  return { ...key, created };
}

async function loadIfThere(path: string): Promise<LoadedPrivateKey | undefined> {
  try {
    return await loadPrivateKey({ kind: 'file', path });
  } catch (error) {
    if (isMusterError(error, 'key_unreadable') && errnoOf(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns false if there was a file. */
async function writePrivateKey(pair: KeyPair, path: string, signal: AbortSignal): Promise<boolean> {
  const options = { mode: 0o600, directoryMode: 0o700, signal };
  try {
    return (await writeOnce(path, Buffer.from(pair.privateKeyPem), options)) === 'stored';
  } catch (error) {
    throw unwritable(error, `The signing key ${path}`, signal);
  }
}

/** The name holds the digest of the key, so a file that is there is this key, unless someone put another in its place. */
async function publish(
  key: { readonly keyId: string; readonly publicKeyPem: string },
  keyring: string,
  signal: AbortSignal,
): Promise<void> {
  const path = join(keyring, `${key.keyId}.pem`);
  try {
    // First read: a keyring that already has the key may be read-only.
    if ((await readIfThere(path)) === key.publicKeyPem) return;
    const bytes = Buffer.from(key.publicKeyPem);
    if ((await writeOnce(path, bytes, { mode: 0o644, directoryMode: 0o755, signal })) === 'stored') return;
    if ((await readIfThere(path)) === key.publicKeyPem) return;
  } catch (error) {
    throw unwritable(error, `The public key ${path}`, signal);
  }
  throw new MusterError('key_exists', `${path} does not hold the key that it is named after: move it away.`);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function unwritable(error: unknown, what: string, signal: AbortSignal): unknown {
  if (signal.aborted && error === signal.reason) return error;
  return new MusterError('state_unwritable', `${what} cannot be written: ${adviceFor(error)}.`, {
    cause: error,
  });
}
