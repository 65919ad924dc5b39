import { canonicalJson, type JsonValue, MusterError } from '@muster/core';

/**
 * Reads JSON that must be in its JCS form (RFC 8785), byte for byte: no other spacing, order of keys, escape, number or
 * byte order mark, and no key twice.
 * @throws `evidence_malformed`; the message quotes nothing of the bytes.
 */
export function parseCanonical(bytes: Uint8Array, what: string): JsonValue {
  const value = parseJson(bytes, what);
  if (!canonicalBytes(value, what).equals(bytes)) {
    throw new MusterError('evidence_malformed', `${what} is not in its JCS form (RFC 8785): it was changed.`);
  }
  return value;
}

function canonicalBytes(value: JsonValue, what: string): Buffer {
  try {
    return Buffer.from(canonicalJson(value));
  } catch (cause) {
    throw new MusterError('evidence_malformed', `${what} holds what its JCS form cannot.`, { cause });
  }
}

function parseJson(bytes: Uint8Array, what: string): JsonValue {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new MusterError('evidence_malformed', `${what} is not JSON in UTF-8.`, { cause });
  }
}
