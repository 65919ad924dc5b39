import { readFile } from 'node:fs/promises';
import { MusterError, type SecretRef, writeSecretRef } from '@muster/core';
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
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw unavailable(
      { kind: 'file', path },
      `${readFailure(cause)}; make it readable for the user who runs Muster`,
      cause,
    );
  }
}

const unavailable = (ref: SecretRef, what: string, cause?: unknown): MusterError =>
  new MusterError('secret_unavailable', `The secret ${writeSecretRef(ref)} is not to be had: ${what}.`, {
    cause,
  });
