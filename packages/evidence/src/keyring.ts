import type { KeyObject } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import { adviceFor } from './file-fault.js';
import { keyIdOf, toPublicPem } from './key-id.js';
import { parsePublicKey } from './pem.js';
import { readKeyFile } from './private-key.js';

/** One public key that counts. */
export interface KeyringKey {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  /** SPKI. */
  readonly publicKeyPem: string;
  /** The file that holds it. */
  readonly path: string;
}

/** A file of a keyring that is none of its keys. It takes nothing from those that are. */
export interface KeyringFault {
  readonly path: string;
  readonly code: 'key_invalid' | 'key_unreadable';
  /** What it is, and what to do. */
  readonly why: string;
}

export interface ListedKeys {
  /** In the order of their ids, each once. */
  readonly keys: readonly KeyringKey[];
  /** In the order of their paths. */
  readonly faults: readonly KeyringFault[];
}

/** The public keys that count: nothing else says whose receipts are authentic. It has one at least. */
export interface Keyring extends ListedKeys {
  readonly location: string;
}

/**
 * Loads a directory of public keys (`*.pem`, each one Ed25519 key in SPKI PEM; other names are passed over), or one such file.
 * @throws `key_unreadable`: not there, no permission, no key in it. `key_invalid`: the one file is no such key.
 */
export async function loadKeyring(path: string): Promise<Keyring> {
  const { keys, faults } = await listKeys(path);
  if (keys.length === 0) {
    const whys = faults.map(({ why }) => ` ${why}`).join('');
    throw new MusterError(
      'key_unreadable',
      `The keyring ${path} holds no public key (*.pem): put one there.${whys}`,
    );
  }
  return { location: path, keys, faults };
}

/** What a keyring holds; an empty directory nothing. @throws as {@link loadKeyring}, but for one without a key. */
export async function listKeys(path: string): Promise<ListedKeys> {
  const files = await filesIn(path);
  if (files === undefined) return { keys: [await readKey(path)], faults: [] };
  const keys = new Map<string, KeyringKey>();
  const faults: KeyringFault[] = [];
  for (const file of files) {
    try {
      const key = await readKey(file);
      if (!keys.has(key.keyId)) keys.set(key.keyId, key);
    } catch (error) {
      if (!isMusterError(error)) throw error;
      if (error.code !== 'key_invalid' && error.code !== 'key_unreadable') throw error;
      faults.push({ path: file, code: error.code, why: error.message });
    }
  }
  return { keys: [...keys.values()].sort((a, b) => (a.keyId < b.keyId ? -1 : 1)), faults };
}

async function readKey(path: string): Promise<KeyringKey> {
  const { text } = await readKeyFile(path, 'public key');
  const publicKey = parsePublicKey(text, `The public key ${path}`);
  return { keyId: keyIdOf(publicKey), publicKey, publicKeyPem: toPublicPem(publicKey), path };
}

/** Undefined where it is a file itself. */
async function filesIn(path: string): Promise<readonly string[] | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return undefined;
    const names = await readdir(path);
    return names
      .filter((name) => name.endsWith('.pem') && !name.startsWith('.'))
      .sort()
      .map((name) => join(path, name));
  } catch (cause) {
    const why =
      errnoOf(cause) === 'ENOENT'
        ? 'there is no such file or directory. Make a key with `muster keys generate`, or correct the path'
        : adviceFor(cause);
    throw new MusterError('key_unreadable', `The keyring ${path} cannot be read: ${why}.`, { cause });
  }
}
