import type { RehearsalStatement, Statement } from '@muster/core';

/** Signs statements; the private key does not leave it. */
export interface Signer {
  /** Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo. */
  readonly keyId: string;
  readonly publicKeyPem: string;
  /** The receipt's exact bytes: the JCS form of a Sigstore bundle v0.3 around a DSSE envelope. */
  sign(statement: Statement | RehearsalStatement): Uint8Array;
}
