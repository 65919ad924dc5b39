import { createPrivateKey } from 'node:crypto';
import { canonicalJson, drawBackup, sha256 } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { signDsse } from './dsse.js';
import type { Keyring } from './keyring.js';
import { generateKeyPair, type KeyPair } from './keys.js';
import { createSigner } from './local-signer.js';
import { parsePublicKey } from './pem.js';
import { SAMPLE_CHECKS, sampleStatement } from './sample-statement.fixture.js';
import { type VerifyExitCode, type VerifyOptions, verifyReceipt } from './verify.js';

const pair = generateKeyPair();
const other = generateKeyPair();
const signer = createSigner(createPrivateKey(pair.privateKeyPem));

function keyringOf(...pairs: readonly KeyPair[]): Keyring {
  return {
    location: 'keys',
    keys: pairs.map(({ keyId, publicKeyPem }) => ({
      keyId,
      publicKeyPem,
      publicKey: parsePublicKey(publicKeyPem, 'a key'),
      path: `keys/${keyId}.pem`,
    })),
    faults: [],
  };
}

const keyring = keyringOf(other, pair);
const receipt = signer.sign(sampleStatement());

const verify = (bytes: Uint8Array, options: Partial<VerifyOptions> = {}) =>
  verifyReceipt(bytes, { keyring, requirePass: false, ...options });

/** The same receipt with its JSON changed, again in its JCS form. */
function rewritten(change: (bundle: ReturnType<typeof parse>) => void, bytes: Uint8Array = receipt): Buffer {
  const bundle = parse(bytes);
  change(bundle);
  return Buffer.from(canonicalJson(bundle));
}

// biome-ignore lint/suspicious/noExplicitAny: the tests change what no type allows
function parse(bytes: Uint8Array): any {
  return JSON.parse(Buffer.from(bytes).toString());
}

function bareEnvelope(keyid?: string): Buffer {
  const { dsseEnvelope } = parse(receipt);
  if (keyid !== undefined) dsseEnvelope.signatures[0].keyid = keyid;
  return Buffer.from(canonicalJson(dsseEnvelope));
}

/** A receipt around any payload, signed by whoever holds the key. */
function signed(payload: Buffer, payloadType = 'application/vnd.in-toto+json'): Buffer {
  return rewritten(({ dsseEnvelope }) => {
    dsseEnvelope.payload = payload.toString('base64');
    dsseEnvelope.payloadType = payloadType;
    const signature = signDsse(payloadType, payload, createPrivateKey(pair.privateKeyPem));
    dsseEnvelope.signatures[0].sig = signature.toString('base64');
  });
}

async function expectRefusal(bytes: Uint8Array, exitCode: VerifyExitCode, step: string, detail: RegExp) {
  const { exitCode: actual, steps } = await verify(bytes);
  expect(steps.at(-1)).toMatchObject({
    name: step,
    outcome: 'failed',
    detail: expect.stringMatching(detail),
  });
  expect(actual).toBe(exitCode);
}

describe('a receipt', () => {
  it('has equal bytes for equal statements, whatever the order of their keys', () => {
    const shuffled = Object.fromEntries(Object.entries(sampleStatement()).reverse()) as ReturnType<
      typeof sampleStatement
    >;
    expect(Buffer.from(signer.sign(shuffled)).equals(receipt)).toBe(true);
  });

  it('names its key by the hint alone, in a Sigstore bundle v0.3', () => {
    expect(parse(receipt)).toEqual({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: pair.keyId } },
      dsseEnvelope: {
        payload: expect.any(String),
        payloadType: 'application/vnd.in-toto+json',
        signatures: [{ sig: expect.any(String) }],
      },
    });
  });

  it('is not made of a statement that is not valid', () => {
    const statement = sampleStatement({ issued_at: 'yesterday' });
    expect(() => signer.sign(statement)).toThrow(/Nothing was signed.*predicate\.issued_at/);
    expect(() => signer.sign(sampleStatement({ source: { slug: '\uD800', kind: 'postgres' } }))).toThrow(
      /Nothing was signed/,
    );
  });
});

describe('verification', () => {
  it('accepts an authentic receipt, step by step, and hands back what it says', async () => {
    const verified = await verify(receipt, { requirePass: true, config: SAMPLE_CHECKS });
    expect(verified.steps.map(({ name, outcome }) => [name, outcome])).toEqual(
      ['envelope', 'payload_type', 'signature', 'statement', 'consistency', 'config', 'pass'].map((name) => [
        name,
        'ok',
      ]),
    );
    expect(verified).toMatchObject({ exitCode: 0, keyId: pair.keyId, statement: sampleStatement() });
  });

  it('names the companions, with their digests', async () => {
    const sha256 = `sha256:${'d'.repeat(64)}`;
    const companion = { to: '/opt/models', location: 's3://models', sha256, size_bytes: 5, files: 1 };
    const { steps } = await verify(signer.sign(sampleStatement({ companions: [companion] })));
    expect(steps[3]?.detail).toContain(`; companion /opt/models: ${sha256}`);
  });

  it('accepts the bare DSSE envelope, with and without a keyid', async () => {
    expect(await verify(bareEnvelope())).toMatchObject({ exitCode: 0 });
    expect(await verify(bareEnvelope(pair.keyId))).toMatchObject({ exitCode: 0 });
  });

  it('refuses a key that is not in the keyring, whatever the receipt names', async () => {
    const { exitCode, steps, statement } = await verify(receipt, { keyring: keyringOf(other) });
    expect(exitCode).toBe(1);
    expect(steps.at(-1)?.detail).toContain(pair.keyId);
    expect(statement).toBeUndefined();
  });

  it('refuses a hint or keyid that is not of the key that signed', async () => {
    const hint = rewritten((bundle) => {
      bundle.verificationMaterial.publicKey.hint = other.keyId;
    });
    await expectRefusal(hint, 1, 'signature', /names another key/);
    await expectRefusal(bareEnvelope(other.keyId), 1, 'signature', /names another key/);
    await expectRefusal(bareEnvelope('SHA256:x'), 2, 'envelope', /keyid/);
  });

  it('refuses a keyid in a bundle, where the hint names the key', async () => {
    const twice = rewritten((bundle) => {
      bundle.dsseEnvelope.signatures[0].keyid = pair.keyId;
    });
    await expectRefusal(twice, 2, 'envelope', /keyid/);
  });

  it('refuses another payload under the signature', async () => {
    const forged = rewritten((bundle) => {
      const payload = Buffer.from(canonicalJson(sampleStatement({ restore_only: true })));
      bundle.dsseEnvelope.payload = payload.toString('base64');
    });
    await expectRefusal(forged, 1, 'signature', /was changed/);
  });

  it('refuses a payload type that is not in-toto, though it was signed', async () => {
    const payload = Buffer.from(canonicalJson(sampleStatement()));
    await expectRefusal(signed(payload, 'text/plain'), 2, 'payload_type', /text\/plain/);
  });

  it('refuses a statement that is signed but not valid, or not in its JCS form', async () => {
    const statement = canonicalJson(sampleStatement());
    await expectRefusal(signed(Buffer.from(`${statement}\n`)), 2, 'statement', /JCS/);
    await expectRefusal(signed(Buffer.from('{}')), 2, 'statement', /_type/);
    await expectRefusal(
      signed(Buffer.from(statement.replace('urn:muster:restore-drill:v1', 'urn:muster:restore-drill:v2'))),
      2,
      'statement',
      /predicateType/,
    );
    await expectRefusal(
      signed(Buffer.from(canonicalJson({ ...parse(Buffer.from(statement)), zz: 1 }))),
      2,
      'statement',
      /zz/,
    );
  });

  it('refuses a statement whose parts contradict each other, though it was signed', async () => {
    const contradiction = signer.sign(sampleStatement({ result: 'fail', reason: 'check_failed' }));
    await expectRefusal(contradiction, 3, 'consistency', /roll up to pass/);
  });

  it('refuses what is no receipt at all', async () => {
    for (const text of ['', 'null', '[]', '{}', '"x"', '{"mediaType":1}', '[['.repeat(100_000)]) {
      await expectRefusal(Buffer.from(text), 2, 'envelope', /./);
    }
    await expectRefusal(Buffer.from([0xff, 0xfe]), 2, 'envelope', /UTF-8/);
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    await expectRefusal(Buffer.from(deep), 2, 'envelope', /JCS/);
  });

  it('refuses every other form of the same content', async () => {
    const text = Buffer.from(receipt).toString();
    const forms: Record<string, string> = {
      'a byte order mark': `\uFEFF${text}`,
      'a trailing newline': `${text}\n`,
      'a leading space': ` ${text}`,
      indentation: JSON.stringify(JSON.parse(text), null, 2),
      'an escape': text.replace('mediaType', '\\u006dediaType'),
      'an escaped slash': text.replace('application/', 'application\\/'),
      'a key twice': text.replace('{"dsseEnvelope"', '{"dsseEnvelope":1,"dsseEnvelope"'),
      'another order': JSON.stringify({ mediaType: JSON.parse(text).mediaType, ...JSON.parse(text) }),
    };
    for (const form of Object.values(forms)) await expectRefusal(Buffer.from(form), 2, 'envelope', /./);
  });

  it('refuses unknown and missing fields wherever they are', async () => {
    const places: readonly ((bundle: ReturnType<typeof parse>) => Record<string, unknown>)[] = [
      (bundle) => bundle,
      (bundle) => bundle.verificationMaterial,
      (bundle) => bundle.verificationMaterial.publicKey,
      (bundle) => bundle.dsseEnvelope,
      (bundle) => bundle.dsseEnvelope.signatures[0],
    ];
    for (const place of places) {
      for (const name of ['zz', '__proto__', 'tlogEntries']) {
        const extra = rewritten((bundle) =>
          Object.defineProperty(place(bundle), name, { value: 'x', enumerable: true }),
        );
        await expectRefusal(extra, 2, 'envelope', /./);
      }
      const [name = ''] = Object.keys(place(parse(receipt)));
      await expectRefusal(
        rewritten((bundle) => delete place(bundle)[name]),
        2,
        'envelope',
        /./,
      );
    }
  });

  it('refuses base64 with other unused bits, without padding, of the URL alphabet, and a second signature', async () => {
    const { sig } = parse(receipt).dsseEnvelope.signatures[0];
    expect(sig).toMatch(/[AQgw]==$/);
    const next = String.fromCharCode(sig.charCodeAt(85) + 1);
    const changed = [sig.replace(/.==$/, `${next}==`), sig.slice(0, -2), `${sig}=`, `${sig}\n`, ` ${sig}`];
    for (const text of changed) {
      expect(Buffer.from(text, 'base64')).toEqual(Buffer.from(sig, 'base64'));
      const bytes = rewritten((bundle) => {
        bundle.dsseEnvelope.signatures[0].sig = text;
      });
      await expectRefusal(bytes, 2, 'envelope', /base64/);
    }
    const twice = rewritten((bundle) => {
      bundle.dsseEnvelope.signatures.push(bundle.dsseEnvelope.signatures[0]);
    });
    await expectRefusal(twice, 2, 'envelope', /signatures/);
  });

  it('shows no control characters of a receipt to a terminal', async () => {
    const payload = Buffer.from(canonicalJson(sampleStatement()));
    const { steps } = await verify(signed(payload, '\u001b[2J\u009b2J\u202e'));
    expect(steps.at(-1)?.detail).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('with requirePass accepts only a pass that no stand-in gave', async () => {
    const environment = { ...sampleStatement().predicate.environment, substitute: true as const };
    const standIn = signer.sign(sampleStatement({ environment }));
    expect(await verify(standIn)).toMatchObject({ exitCode: 0 });
    expect(await verify(standIn, { requirePass: true })).toMatchObject({ exitCode: 6 });

    const failed = failedReceipt();
    expect(await verify(failed)).toMatchObject({ exitCode: 0 });
    const refused = await verify(failed, { requirePass: true });
    expect(refused).toMatchObject({ exitCode: 6, statement: { predicate: { result: 'fail' } } });
    expect(refused.steps.at(-1)?.detail).toContain('check_failed');
  });
});

function failedReceipt(): Uint8Array {
  const { checks, attempts } = sampleStatement().predicate;
  return signer.sign(
    sampleStatement({
      checks: checks.map((check, index) =>
        index === 0 ? { ...check, verdict: 'fail', reason: 'expectation_not_met' } : check,
      ),
      attempts: attempts.map((attempt) => ({ ...attempt, outcome: 'fail', reason: 'check_failed' })),
      result: 'fail',
      reason: 'check_failed',
    }),
  );
}

describe('verification against a configuration', () => {
  const against = async (config: VerifyOptions['config']) => {
    const { exitCode, steps } = await verify(receipt, { config });
    return { exitCode, detail: steps.at(-1)?.detail };
  };
  const [first, second] = SAMPLE_CHECKS;
  if (first === undefined || second === undefined) throw new Error('two checks are needed');

  it('names a check that was renamed, and accepts it', async () => {
    const renamed = await against([{ ...first, id: 'new-name' }, second]);
    expect(renamed).toEqual({
      exitCode: 0,
      detail: expect.stringContaining('recent-orders is now called new-name'),
    });
  });

  it('refuses and names a check that is gone', async () => {
    expect(await against([second])).toEqual({
      exitCode: 5,
      detail: expect.stringContaining('recent-orders is gone'),
    });
  });

  it('refuses and names a check whose query or expect was edited', async () => {
    const query = await against([{ ...first, checkSha256: second.checkSha256 }, second]);
    expect(query).toEqual({
      exitCode: 5,
      detail: expect.stringContaining('recent-orders has another query in'),
    });
    const sentence = await against([{ ...first, expectSha256: second.expectSha256 }, second]);
    expect(sentence).toEqual({
      exitCode: 5,
      detail: expect.stringContaining('recent-orders has another expect in'),
    });
  });
});

describe('a receipt of a random choice', () => {
  const created_at = '2026-11-20T02:00:00.000Z';
  const drillId = sampleStatement().predicate.drill_id;
  const draw = drawBackup(drillId, [
    { id: 'shop.dump', created_at, size_bytes: 23 },
    { id: 'shop-old.dump', created_at: '2026-11-19T02:00:00.000Z', size_bytes: 20 },
  ]);
  if (draw === undefined) throw new Error('there is something to draw');
  const { drawn, listing } = draw;
  const receiptOf = (resolved: string, listed = listing) => {
    const { backup } = sampleStatement().predicate;
    if (backup === undefined) throw new Error('the sample has a backup');
    const made = { ...backup, id: resolved, created_at: drawn.created_at };
    const restore_point = { kind: 'random', asked: '14d', resolved, listing_sha256: sha256(listed) } as const;
    const statement = sampleStatement({ backup: made, restore_point });
    return signer.sign({
      ...statement,
      subject: [{ ...statement.subject[0], name: `shop/${resolved}` }],
    });
  };
  const other = drawn.id === 'shop.dump' ? 'shop-old.dump' : 'shop.dump';
  const at = (text: string) => async () => Buffer.from(text);

  it('is drawn again where the listing is at hand', async () => {
    const { exitCode, steps } = await verify(receiptOf(drawn.id), { listing: at(listing) });
    expect(exitCode).toBe(0);
    expect(steps.at(-1)).toMatchObject({ name: 'draw', outcome: 'ok' });
    expect(steps.at(-1)?.detail).toContain(drawn.id);
  });

  it('stands without that where the listing is not', async () => {
    const { exitCode, steps } = await verify(receiptOf(drawn.id), { listing: async () => undefined });
    expect([exitCode, steps.at(-1)?.name]).toEqual([0, 'consistency']);
  });

  it.each<[string, Uint8Array, string, number, RegExp]>([
    ['a draw that lies', receiptOf(other), listing, 3, /the lot falls on another backup/],
    ['another listing', receiptOf(drawn.id), '[]', 5, /not that of this receipt/],
    ['a listing that is none', receiptOf(drawn.id, '{}'), '{}', 3, /the listing is none/],
  ])('does not stand with %s', async (_name, bytes, text, code, why) => {
    const { exitCode, steps } = await verify(bytes, { listing: at(text) });
    expect(exitCode).toBe(code);
    expect(steps.at(-1)).toMatchObject({
      name: 'draw',
      outcome: 'failed',
      detail: expect.stringMatching(why),
    });
  });
});
