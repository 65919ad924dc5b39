import { MusterError } from '@muster/core';
import canonicalize from 'canonicalize';

/** The JCS form (RFC 8785) of a JSON value, in UTF-8. @throws Error for what JSON cannot hold (NaN, lone surrogates). */
export function canonicalBytes(value: unknown): Buffer {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return Buffer.from(text);
}

/**
 * Reads JSON that must be in its JCS form, byte for byte: no other spacing, order of keys, escape, number or byte order
 * mark, and no key twice.
 * @throws `evidence_malformed`; the message quotes nothing of the bytes.
 */
export function parseCanonical(bytes: Uint8Array, what: string): unknown {
  const value = parseJson(bytes, what);
  let canonical: Buffer;
  try {
    canonical = canonicalBytes(value);
  } catch (cause) {
    throw new MusterError('evidence_malformed', `${what} holds what JSON in its JCS form cannot.`, { cause });
  }
  if (!canonical.equals(bytes)) {
    throw new MusterError('evidence_malformed', `${what} is not in its JCS form (RFC 8785): it was changed.`);
  }
  return value;
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new MusterError('evidence_malformed', `${what} is not JSON in UTF-8.`, { cause });
  }
}
