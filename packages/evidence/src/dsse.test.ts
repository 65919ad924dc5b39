import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { preAuthEncoding, signDsse, verifyDsse } from './dsse.js';
import { generateKeyPair } from './keys.js';
import { loadPrivateKey } from './private-key.js';

/** RFC 8032, section 7.1, tests 1 to 3. */
const VECTORS = [
  {
    secret: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    secret: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    secret: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

/** A raw Ed25519 seed as the PKCS#8 PEM of RFC 8410. */
function pemOf(secret: string): string {
  const der = Buffer.from(`302e020100300506032b657004220420${secret}`, 'hex');
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

describe('DSSE', () => {
  it('encodes as the specification does in its example', () => {
    const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(encoded.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('counts bytes, not characters', () => {
    expect(preAuthEncoding('é', Buffer.from('ü')).toString()).toBe('DSSEv1 2 é 2 ü');
  });

  it('verifies what it signed, and no other type, payload or key', () => {
    const pair = generateKeyPair();
    const payload = Buffer.from('{}');
    const signature = signDsse('a', payload, createPrivateKey(pair.privateKeyPem));
    const publicKey = createPublicKey(pair.publicKeyPem);
    expect(verifyDsse('a', payload, signature, publicKey)).toBe(true);
    expect(verifyDsse('b', payload, signature, publicKey)).toBe(false);
    expect(verifyDsse('a', Buffer.from('[]'), signature, publicKey)).toBe(false);
    expect(verifyDsse('a', payload, Buffer.alloc(0), publicKey)).toBe(false);
    expect(verifyDsse('a', payload, signature, createPublicKey(generateKeyPair().publicKeyPem))).toBe(false);
  });

  it('signs with keys loaded from PEM as RFC 8032 does', async () => {
    for (const { secret, message, signature } of VECTORS) {
      const { privateKey } = await loadPrivateKey({ kind: 'pem', pem: pemOf(secret), name: 'env:KEY' });
      expect(sign(null, Buffer.from(message, 'hex'), privateKey).toString('hex')).toBe(signature);
    }
  });
});
