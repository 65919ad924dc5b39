import { canonicalJson, MusterError } from '@muster/core';
import { z } from 'zod';
import { parseCanonical } from './canonical-json.js';

/** Sigstore bundle v0.3: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto */
const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

const keyId = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
/** One text for each sequence of bytes: padded, and the unused bits zero. */
const base64 = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'expected padded base64')
  .transform((text) => Buffer.from(text, 'base64'));

/**
 * In a bundle the hint names the key, and no `keyid` may stand: DSSE leaves its form open, and cosign passes over each
 * signature whose `keyid` is not the SSH fingerprint of the key.
 */
const bundleSchema = z.strictObject({
  mediaType: z.literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: z.strictObject({ publicKey: z.strictObject({ hint: keyId }) }),
  dsseEnvelope: envelopeSchema({ sig: base64 }),
});

const bareSchema = envelopeSchema({ sig: base64, keyid: keyId.optional() });

function envelopeSchema<T extends z.ZodRawShape>(signature: T) {
  return z.strictObject({
    payload: base64,
    payloadType: z.string(),
    signatures: z.tuple([z.strictObject(signature)]),
  });
}

/** A receipt taken apart, nothing of it verified. */
export interface Envelope {
  readonly form: 'bundle' | 'bare';
  readonly payload: Buffer;
  readonly payloadType: string;
  readonly signature: Buffer;
  /** The key that the receipt names: a claim. A bare envelope may name none. */
  readonly keyId?: string;
}

/** The bytes of a receipt: the JCS form of the bundle. */
export function encodeBundle(envelope: Required<Omit<Envelope, 'form'>>): Buffer {
  const bundle = {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: envelope.keyId } },
    dsseEnvelope: {
      payload: envelope.payload.toString('base64'),
      payloadType: envelope.payloadType,
      signatures: [{ sig: envelope.signature.toString('base64') }],
    },
  };
  return Buffer.from(canonicalJson(bundle));
}

/**
 * Takes a Sigstore bundle, or a bare DSSE envelope, apart. Only the one form that the same content has in JCS is
 * accepted. @throws `evidence_malformed`.
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const value = parseCanonical(bytes, 'The receipt');
  if (typeof value === 'object' && value !== null && 'mediaType' in value) {
    const { dsseEnvelope, verificationMaterial } = check(bundleSchema, value, 'a Sigstore bundle v0.3');
    const { payload, payloadType, signatures } = dsseEnvelope;
    const keyId = verificationMaterial.publicKey.hint;
    return { form: 'bundle', payload, payloadType, signature: signatures[0].sig, keyId };
  }
  const { payload, payloadType, signatures } = check(
    bareSchema,
    value,
    'a Sigstore bundle or a DSSE envelope',
  );
  const [{ sig, keyid }] = signatures;
  return { form: 'bare', payload, payloadType, signature: sig, ...(keyid !== undefined && { keyId: keyid }) };
}

function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw new MusterError(
    'evidence_malformed',
    `The receipt is not ${what}: ${issue?.message ?? 'invalid'}${where}.`,
  );
}
