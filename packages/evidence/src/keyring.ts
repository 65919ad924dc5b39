import type { KeyObject } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, MusterError } from '@muster/core';
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

/** The public keys that count: nothing else says whose receipts are authentic. Never empty. */
export interface Keyring {
  readonly location: string;
  readonly keys: readonly KeyringKey[];
}

/**
 * Loads a directory of public keys (`*.pem`, each one Ed25519 key in SPKI PEM; other names are passed over), or one such file.
 * @throws `key_unreadable`: not there, no permission, no key in it. `key_invalid`: one of the files is no such key.
 */
export async function loadKeyring(path: string): Promise<Keyring> {
  const keys = await listKeys(path);
  if (keys.length === 0) {
    throw new MusterError(
      'key_unreadable',
      `The keyring ${path} holds no public key (*.pem): put one there.`,
    );
  }
  return { location: path, keys };
}

/** The keys of a keyring in the order of their ids, each once; an empty directory has none. @throws as {@link loadKeyring}. */
export async function listKeys(path: string): Promise<readonly KeyringKey[]> {
  const keys = new Map<string, KeyringKey>();
  for (const file of await filesOf(path)) {
    const { text } = await readKeyFile(file, 'public key');
    const publicKey = parsePublicKey(text, `The public key ${file}`);
    const keyId = keyIdOf(publicKey);
    if (!keys.has(keyId))
      keys.set(keyId, { keyId, publicKey, publicKeyPem: toPublicPem(publicKey), path: file });
  }
  return [...keys.values()].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
}

async function filesOf(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
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
