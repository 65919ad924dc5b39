import { createPublicKey, type KeyObject } from 'node:crypto';
import { constants, open } from 'node:fs/promises';
import { errnoOf, MusterError } from '@muster/core';
import { adviceFor } from './file-fault.js';
import { keyIdOf, toPublicPem } from './key-id.js';
import { KEY_ADVICE, parsePrivateKey } from './pem.js';

/** Where a private key is: a file, or the PEM text that a secret resolved to (`name`: how messages call it, `env:KEY`). */
export type PrivateKeySource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'pem'; readonly pem: string; readonly name: string };

export interface LoadedPrivateKey {
  readonly privateKey: KeyObject;
  readonly keyId: string;
  readonly publicKeyPem: string;
  /** True where users other than the file's owner may read it: worth a warning. Always false for PEM text. */
  readonly readableByOthers: boolean;
}

/**
 * Loads an Ed25519 private key (PKCS#8 PEM, not encrypted).
 * @throws `key_unreadable`: no such file, no permission, not a file. `key_invalid`: another kind of key, or none.
 */
export async function loadPrivateKey(source: PrivateKeySource): Promise<LoadedPrivateKey> {
  if (source.kind === 'pem') return describeKey(source.pem, `The signing key in ${source.name}`, false);
  const { text, mode } = await readKeyFile(source.path, 'signing key');
  return describeKey(text, `The signing key ${source.path}`, (mode & 0o044) !== 0);
}

function describeKey(pem: string, name: string, readableByOthers: boolean): LoadedPrivateKey {
  const privateKey = parsePrivateKey(pem, name);
  const publicKey = createPublicKey(privateKey);
  return { privateKey, keyId: keyIdOf(publicKey), publicKeyPem: toPublicPem(publicKey), readableByOthers };
}

const MAX_KEY_BYTES = 64 * 1024;

/** Reads a PEM file and its permissions. @throws `key_unreadable`. `key_invalid` for one that is far too large. */
export async function readKeyFile(
  path: string,
  what: 'signing key' | 'public key',
): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    // Not blocking: a pipe that nobody writes into would be waited for without end.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (facts.size > MAX_KEY_BYTES) {
      throw new MusterError(
        'key_invalid',
        `The ${what} ${path} is no key: it has ${facts.size} bytes. ${KEY_ADVICE[what === 'public key' ? 'PUBLIC KEY' : 'PRIVATE KEY']}`,
      );
    }
    if (!facts.isFile() && !facts.isDirectory()) {
      throw new MusterError(
        'key_unreadable',
        `The ${what} ${path} is no file. Name a file that holds the key.`,
      );
    }
    return { text: await file.readFile('utf8'), mode: facts.mode };
  } catch (cause) {
    if (cause instanceof MusterError) throw cause;
    const why =
      errnoOf(cause) === 'ENOENT' ? `there is no such file. ${ABSENT[what](path)}` : unreadable(cause);
    throw new MusterError('key_unreadable', `The ${what} ${path} cannot be read: ${why}.`, { cause });
  }
}

const ABSENT = {
  'signing key': (path: string) =>
    `Make one with \`muster keys generate --out ${path}\`, put the key that your fleet has there, or correct the path`,
  'public key': () => 'Correct the path',
} as const;

function unreadable(error: unknown): string {
  switch (errnoOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it. Give the file to the user that Muster runs as (chown), with mode 0600';
    case 'EISDIR':
      return 'it is a directory. Name the file in it';
    default:
      return adviceFor(error);
  }
}
