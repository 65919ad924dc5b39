import { MusterError, type SecretRef, writeSecretRef } from '@muster/core';
import { readBeginning } from '@muster/engines';
import { readFailure } from './read-failure.js';

/** More than any credential or key needs. */
const LONGEST_SECRET = 64 * 1024;

/**
 * The value behind `env:NAME` or `file:PATH`, read at the moment of use and kept nowhere. One line end at the end of a
 * file is not part of its secret.
 * @throws `secret_unavailable`, which names the reference and never the value.
 */
export async function resolveSecret(
  ref: SecretRef,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const value = ref.kind === 'env' ? env[ref.name] : await readSecret(ref.path);
  if (value === undefined) throw unavailable(ref, 'that variable is not set; set it where Muster runs');
  if (value === '') throw unavailable(ref, 'it is empty; put the secret into it');
  if (value.length > LONGEST_SECRET) throw unavailable(ref, 'it is far too long to be a secret');
  return value;
}

async function readSecret(path: string): Promise<string> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBeginning(path, 2 * LONGEST_SECRET);
  } catch (cause) {
    throw unavailable(
      { kind: 'file', path },
      `${readFailure(cause)}; make it readable for the user who runs Muster`,
      cause,
    );
  }
  if (bytes !== undefined) return bytes.toString('utf8').replace(/\r?\n$/, '');
  throw unavailable({ kind: 'file', path }, 'it is no regular file; name a file that holds the secret');
}

const unavailable = (ref: SecretRef, what: string, cause?: unknown): MusterError =>
  new MusterError('secret_unavailable', `The secret ${writeSecretRef(ref)} is not to be had: ${what}.`, {
    cause,
  });
