import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { MusterError } from '@muster/core';

/** What to do about a file that is not the key it should be. */
export const KEY_ADVICE = {
  'PRIVATE KEY':
    'Muster signs with Ed25519: make a key with `muster keys generate`, or `openssl genpkey -algorithm ed25519`.',
  'PUBLIC KEY':
    'Remove it, or put an Ed25519 public key in its place (`muster keys generate` makes a new pair).',
} as const;
type Wanted = keyof typeof KEY_ADVICE;

/** What a PEM label other than the right one means to its owner. */
const LABELS: Readonly<Record<string, string>> = {
  'PRIVATE KEY': 'a private key',
  'PUBLIC KEY': 'a public key',
  'ENCRYPTED PRIVATE KEY': 'an encrypted private key',
  'ENCRYPTED SIGSTORE PRIVATE KEY': 'an encrypted key of cosign',
  'ENCRYPTED COSIGN PRIVATE KEY': 'an encrypted key of cosign',
  'RSA PRIVATE KEY': 'an RSA key',
  'EC PRIVATE KEY': 'an EC key',
  'OPENSSH PRIVATE KEY': 'an OpenSSH key',
  CERTIFICATE: 'a certificate',
};

/**
 * An Ed25519 private key in PKCS#8 PEM. `name` is how messages call it (`the signing key /run/secrets/muster.key`).
 * @throws `key_invalid`, saying what it is instead.
 */
export function parsePrivateKey(pem: string, name: string): KeyObject {
  const label = onlyLabel(pem, name, 'PRIVATE KEY');
  if (label === 'PUBLIC KEY') {
    throw new MusterError(
      'key_invalid',
      `${name} is a public key: signing needs the private key of the pair.`,
    );
  }
  if (label === 'ENCRYPTED PRIVATE KEY') {
    throw new MusterError(
      'key_invalid',
      `${name} is encrypted, and Muster asks for no passphrase: decrypt it with \`openssl pkey -in KEY -out NEW\` and keep it readable by its owner alone.`,
    );
  }
  return parseEd25519(pem, name, label, 'PRIVATE KEY', createPrivateKey);
}

/** An Ed25519 public key in SPKI PEM. @throws `key_invalid`, saying what it is instead. */
export function parsePublicKey(pem: string, name: string): KeyObject {
  const label = onlyLabel(pem, name, 'PUBLIC KEY');
  if (label.includes('PRIVATE')) {
    throw new MusterError(
      'key_invalid',
      `${name} is a private key, and public keys belong here: move it away, and put the output of \`openssl pkey -in KEY -pubout\` in its place.`,
    );
  }
  return parseEd25519(pem, name, label, 'PUBLIC KEY', createPublicKey);
}

function parseEd25519(
  pem: string,
  name: string,
  label: string,
  wanted: Wanted,
  parse: (pem: string) => KeyObject,
): KeyObject {
  if (label !== wanted) {
    throw new MusterError(
      'key_invalid',
      `${name} is ${LABELS[label] ?? 'no key that Muster reads'}. ${KEY_ADVICE[wanted]}`,
    );
  }
  let key: KeyObject;
  try {
    key = parse(pem);
  } catch {
    // The cause is dropped: it may quote the key.
    throw new MusterError('key_invalid', `${name} is damaged: its PEM cannot be read. ${KEY_ADVICE[wanted]}`);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    const kind = key.asymmetricKeyType?.toUpperCase() ?? 'unknown';
    throw new MusterError('key_invalid', `${name} is a key of the kind ${kind}. ${KEY_ADVICE[wanted]}`);
  }
  return key;
}

/** Two keys in one file are refused, because all readers of PEM would silently take the first. */
function onlyLabel(pem: string, name: string, wanted: Wanted): string {
  const labels = [...pem.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----\s*$/gm)].map((match) => match[1] ?? '');
  const [label] = labels;
  if (label === undefined)
    throw new MusterError('key_invalid', `${name} is not a key in PEM. ${KEY_ADVICE[wanted]}`);
  if (labels.length > 1) {
    throw new MusterError(
      'key_invalid',
      `${name} holds ${labels.length} PEM blocks: keep one key in each file.`,
    );
  }
  return label;
}
