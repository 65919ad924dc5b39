import { createPrivateKey } from 'node:crypto';
import { canonicalJson } from '@muster/core';
import { describe, expect, it } from 'vitest';
import type { Keyring } from './keyring.js';
import { generateKeyPair } from './keys.js';
import { createSigner } from './local-signer.js';
import { parsePublicKey } from './pem.js';
import { sampleStatement } from './sample-statement.fixture.js';
import { verifyReceipt } from './verify.js';

const { keyId, privateKeyPem, publicKeyPem } = generateKeyPair();
const publicKey = parsePublicKey(publicKeyPem, 'the key');
const keyring: Keyring = {
  location: 'keys',
  keys: [{ keyId, publicKeyPem, publicKey, path: `keys/${keyId}.pem` }],
  faults: [],
};
const bundle = Buffer.from(createSigner(createPrivateKey(privateKeyPem)).sign(sampleStatement()));

function bareEnvelope(): Buffer {
  const { dsseEnvelope } = JSON.parse(bundle.toString());
  dsseEnvelope.signatures[0].keyid = keyId;
  return Buffer.from(canonicalJson(dsseEnvelope));
}

async function isAccepted(bytes: Uint8Array): Promise<boolean> {
  return (await verifyReceipt(bytes, { keyring, requirePass: false })).exitCode === 0;
}

describe('every one-byte change of a receipt is refused', () => {
  it.each([
    ['bundle', bundle],
    ['bare envelope', bareEnvelope()],
  ])('of a %s', { timeout: 60_000 }, async (_, original) => {
    expect(await isAccepted(original)).toBe(true);
    const accepted: string[] = [];
    for (let at = 0; at <= original.length; at += 1) {
      for (const { name, bytes } of changesAt(original, at)) {
        if (await isAccepted(bytes)) accepted.push(`${name} at ${at}`);
      }
    }
    expect(accepted).toEqual([]);
  });
});

/** Each bit flipped, a byte less, and a byte more: itself again, a space, a digit of base64. */
function* changesAt(bytes: Buffer, at: number): Generator<{ readonly name: string; readonly bytes: Buffer }> {
  const [before, byte, after] = [bytes.subarray(0, at), bytes[at], bytes.subarray(at + 1)];
  const spliced = (...middle: readonly number[]) => Buffer.concat([before, Buffer.from(middle), after]);
  const kept = byte === undefined ? [] : [byte];
  for (const more of new Set([...kept, 0x20, 0x41]))
    yield { name: `${more} inserted`, bytes: spliced(more, ...kept) };
  if (byte === undefined) return;
  yield { name: 'deleted', bytes: spliced() };
  for (let bit = 0; bit < 8; bit += 1)
    yield { name: `bit ${bit} flipped`, bytes: spliced(byte ^ (1 << bit)) };
}
