import { type KeyObject, sign, verify } from 'node:crypto';

/** What lies in a receipt's envelope: an in-toto statement. */
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** The pre-authentication encoding of DSSE v1, the bytes that are signed: https://github.com/secure-systems-lab/dsse */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const header = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(header), payload]);
}

/** An Ed25519 signature (RFC 8032, 64 bytes) over the pre-authentication encoding. */
export function signDsse(payloadType: string, payload: Uint8Array, privateKey: KeyObject): Buffer {
  return sign(null, preAuthEncoding(payloadType, payload), privateKey);
}

export function verifyDsse(
  payloadType: string,
  payload: Uint8Array,
  signature: Uint8Array,
  publicKey: KeyObject,
): boolean {
  return verify(null, preAuthEncoding(payloadType, payload), publicKey, signature);
}
