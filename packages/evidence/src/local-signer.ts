import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  canonicalJson,
  MusterError,
  type RehearsalStatement,
  type RestoreStatement,
  restoreStatementSchema,
  type Statement,
} from '@muster/core';
import { encodeBundle } from './bundle.js';
import { PAYLOAD_TYPE, signDsse } from './dsse.js';
import { keyIdOf, toPublicPem } from './key-id.js';
import type { Signer } from './signer.js';
import { parseRehearsal, parseStatement } from './statement.js';

/**
 * A signer that holds an Ed25519 private key in this process. It signs only what verification would accept.
 * `sign` throws `internal` for a statement that is not valid.
 */
export function createSigner(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey);
  const keyId = keyIdOf(publicKey);
  return {
    keyId,
    publicKeyPem: toPublicPem(publicKey),
    sign(statement) {
      const payload = encodeStatement(statement);
      const signature = signDsse(PAYLOAD_TYPE, payload, privateKey);
      return encodeBundle({ payload, payloadType: PAYLOAD_TYPE, signature, keyId });
    },
  };
}

/** Validates the very bytes that will be signed, as a verifier will read them. */
function encodeStatement(statement: Statement | RehearsalStatement): Buffer {
  try {
    const payload = Buffer.from(canonicalJson(statement));
    if (parseRehearsal(payload) === undefined) parseStatement(payload);
    return payload;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MusterError('internal', `Nothing was signed, because the statement is not valid. ${why}`, {
      cause,
    });
  }
}

/** The record of a restore into a real server, signed: the bytes are those of a receipt in form. @throws `internal`. */
export function signRestore(statement: RestoreStatement, privateKey: KeyObject): Uint8Array {
  const checked = restoreStatementSchema.safeParse(statement);
  if (!checked.success)
    throw new MusterError('internal', 'The record was not signed, because it is not valid.', {
      cause: checked.error,
    });
  const payload = Buffer.from(canonicalJson(statement));
  const signature = signDsse(PAYLOAD_TYPE, payload, privateKey);
  return encodeBundle({
    payload,
    payloadType: PAYLOAD_TYPE,
    signature,
    keyId: keyIdOf(createPublicKey(privateKey)),
  });
}
