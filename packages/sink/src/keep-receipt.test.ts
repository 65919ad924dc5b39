import { createHash, createPrivateKey } from 'node:crypto';
import {
  type Attempt,
  sha256 as coreSha256,
  drawBackup,
  listingKey,
  MusterError,
  receiptKey,
  type Statement,
  unfinishedStatement,
} from '@muster/core';
import { createSigner, generateKeyPair, listQuarantine, loadKeyring, verifyReceipt } from '@muster/evidence';
import type { ReceiptJob } from '@muster/queue';
import { afterEach, describe, expect, it } from 'vitest';
import { ASKED, drilled, messageOf, signal, signerIn, sinkInMemory } from './sink.fixture.js';
import type { SinkPorts } from './sink-ports.js';

type Sink = Awaited<ReturnType<typeof sinkInMemory>>;

const HASH = `sha256:${'1'.repeat(64)}`;
let sink: Sink;
afterEach(() => sink.close());

async function given(overrides: Partial<SinkPorts> = {}): Promise<Sink> {
  sink = await sinkInMemory(overrides);
  await sink.start();
  return sink;
}

const stranger = () => createSigner(createPrivateKey(generateKeyPair().privateKeyPem));
const keyOf = (id: string): string => receiptKey('shop', id);
const textAt = async (key: string): Promise<string> =>
  Buffer.from(await sink.store.get(key, signal)).toString();

/** The statement of a receipt in the store, verified as a stranger does. */
async function statementAt(key: string): Promise<Statement | undefined> {
  const keyring = await loadKeyring(sink.keys);
  const { exitCode, statement } = await verifyReceipt(await sink.store.get(key, signal), {
    keyring,
    requirePass: false,
  });
  expect(exitCode).toBe(0);
  return statement;
}

describe("a worker's receipt", () => {
  it('is stored, indexed, and told', async () => {
    const drill = drilled();
    const { signer, plan, deliver, indexed, events, settled } = await given();
    await plan(drill.plan);
    const message = messageOf(drill, signer);
    await deliver(message);
    expect(await textAt(keyOf(drill.id))).toBe(message.bundle);
    const sha256 = createHash('sha256').update(message.bundle).digest('hex');
    expect(indexed.get(drill.id)).toEqual({
      statement: drill.statement,
      key: keyOf(drill.id),
      sha256,
      proves: true,
    });
    expect(settled).toEqual([drill.id]);
    expect(events).toEqual([{ type: 'stored', result: 'pass', key: keyOf(drill.id) }]);
  });

  it.each([
    ['passed', {}, 1],
    ['was found good by a stand-in', { substitute: true as const }, 0],
  ])('of a backup that %s is noted for whoever deletes backups, or not', async (_, substitute, count) => {
    const { environment } = drilled().statement.predicate;
    const drill = drilled({ environment: { ...environment, ...substitute } });
    const { signer, plan, deliver, passed } = await given();
    await plan(drill.plan);
    await deliver(messageOf(drill, signer));
    expect([...passed]).toEqual(Array(count).fill([drill.id, 'shop.dump']));
  });

  it('counts as no pass of its source where its plan left out checks', async () => {
    const drill = drilled();
    const { signer, plan, deliver, indexed } = await given();
    await plan({ ...drill.plan, partial: true });
    await deliver(messageOf(drill, signer));
    expect(indexed.get(drill.id)).toMatchObject({ key: keyOf(drill.id), proves: false });
  });

  describe('of a random choice', () => {
    const { backup, drill_id: drillId } = drilled().statement.predicate;
    const created_at = backup?.created_at ?? '';
    const draw = drawBackup(drillId, [{ id: backup?.id ?? '', created_at, size_bytes: 1 }]);
    const listing = draw?.listing ?? '';
    const random = (listed = listing) =>
      drilled({
        drill_id: drillId,
        restore_point: { kind: 'random', resolved: backup?.id ?? '', listing_sha256: coreSha256(listed) },
      });

    it('is stored with the listing that it was drawn from', async () => {
      const { signer, plan, deliver, indexed } = await given();
      const drill = random();
      await plan(drill.plan);
      await deliver({ ...messageOf(drill, signer), listing });
      expect(indexed.has(drill.id)).toBe(true);
      expect(await textAt(listingKey(coreSha256(listing)))).toBe(listing);
    });

    it.each<[string, string | undefined, string, RegExp]>([
      ['without its listing', undefined, listing, /did not come with it/],
      ['with another', '[]', listing, /not that of this receipt/],
      ['with one that contradicts it', '[]', '[]', /the lot falls on another/],
    ])('goes to quarantine %s', async (_name, sent, named, why) => {
      const { signer, plan, deliver, quarantined, keysIn } = await given();
      const drill = random(named);
      await plan(drill.plan);
      await deliver({ ...messageOf(drill, signer), ...(sent !== undefined && { listing: sent }) });
      expect(quarantined.get(drill.id)).toMatch(why);
      expect(await keysIn('listings/')).toEqual([]);
      expect(await keysIn('receipts/')).toEqual([]);
    });
  });

  it('that comes again is stored once', async () => {
    const drill = drilled();
    const { signer, plan, deliver, keysIn, logged } = await given();
    await plan(drill.plan);
    for (const message of [1, 2].map(() => messageOf(drill, signer))) await deliver(message);
    expect(await keysIn('')).toEqual([expect.stringMatching(/^plans\//), keyOf(drill.id)]);
    expect(logged('warn')).toEqual([]);
  });

  it('that is the second of its drill leaves the first as it is', async () => {
    const drill = drilled();
    const { signer, plan, deliver, indexed, logged } = await given();
    await plan(drill.plan);
    await deliver(messageOf(drill, signer));
    const second = drilled({ drill_id: drill.id, issued_at: '2026-11-20T03:00:09.000Z' });
    await deliver(messageOf(second, signer));
    expect((await statementAt(keyOf(drill.id)))?.predicate.issued_at).toBe('2026-11-20T03:00:04.000Z');
    expect(indexed.get(drill.id)?.statement).toEqual(drill.statement);
    expect(logged('warn')).toMatchObject([
      { msg: expect.stringContaining('superseded'), drill_id: drill.id },
    ]);
    expect(sink.tallied).toHaveLength(1);
  });

  it('is not stored nor indexed while the evidence store is faulty, and is when it comes again', async () => {
    const drill = drilled();
    const { signer, plan, deliver, store, indexed } = await given();
    await plan(drill.plan);
    const { putOnce } = store;
    const faulty = store as { putOnce: typeof putOnce };
    faulty.putOnce = async () => {
      throw new MusterError('evidence_unwritable', 'It is full.');
    };
    await expect(deliver(messageOf(drill, signer))).rejects.toMatchObject({ code: 'evidence_unwritable' });
    expect(indexed.size).toBe(0);
    faulty.putOnce = putOnce;
    await deliver(messageOf(drill, signer));
    expect(indexed.size).toBe(1);
  });

  it('is stored while the index is down, and indexed when it comes again', async () => {
    const drill = drilled();
    const down = { is: true };
    const put = async (): Promise<void> => {
      if (down.is) throw new MusterError('index_unavailable', 'It is down.');
    };
    const { signer, plan, deliver, keysIn, settled, events } = await given({ index: { put } });
    await plan(drill.plan);
    await expect(deliver(messageOf(drill, signer))).rejects.toMatchObject({ code: 'index_unavailable' });
    expect(await keysIn('receipts/')).toEqual([keyOf(drill.id)]);
    expect([...settled, ...events]).toEqual([]);
    down.is = false;
    await deliver(messageOf(drill, signer));
    expect(events).toHaveLength(1);
  });

  it('counts if its key was added a moment ago', async () => {
    const drill = drilled();
    const { signer, plan, deliver, keys, keysIn } = await given();
    const before = drilled();
    await plan(before.plan);
    await deliver(messageOf(before, signer));
    await plan(drill.plan);
    await deliver(messageOf(drill, await signerIn(keys)));
    expect(await keysIn('receipts/')).toHaveLength(2);
  });
});

describe('what goes to quarantine, and nowhere else', () => {
  const refused: readonly (readonly [
    string,
    (drill: ReturnType<typeof drilled>, sink: Sink) => ReceiptJob,
    RegExp,
  ])[] = [
    ['a forged receipt', (drill, { signer }) => forged(messageOf(drill, signer)), /does not verify/],
    ["a stranger's receipt", (drill) => messageOf(drill, stranger()), /verifies with no key/],
    [
      'a receipt under the id of another drill',
      (drill, { signer }) => ({ ...messageOf(drilled(), signer), drill_id: drill.id }),
      /that of another drill/,
    ],
    [
      'a receipt of a drill that nobody planned',
      (_, { signer }) => messageOf(drilled(), signer),
      /nobody planned/,
    ],
    [
      'a receipt that leaves out a check',
      ({ id, statement }, { signer }) => {
        const checks = statement.predicate.checks.slice(0, 1);
        return messageOf(drilled({ drill_id: id, checks }), signer);
      },
      /its checks/,
    ],
    [
      'a receipt under another configuration',
      ({ id }, { signer }) => messageOf(drilled({ drill_id: id, config_sha256: HASH }), signer),
      /its configuration/,
    ],
    [
      'a receipt that contradicts itself',
      ({ id }, { signer }) =>
        messageOf(drilled({ drill_id: id, result: 'error', reason: 'cancelled' }), signer),
      /the result is error/,
    ],
    ['no JSON', (drill, { signer }) => ({ ...messageOf(drill, signer), bundle: 'hello' }), /not JSON/],
  ];
  it.each(refused)('%s', async (_, make, why) => {
    const drill = drilled();
    const { plan, deliver, keysIn, indexed, events, quarantined, logged } = await given();
    await plan(drill.plan);
    const message = make(drill, sink);
    await deliver(message);
    const bytes = message.type === 'receipt' ? message.bundle : '';
    const id = message.type === 'receipt' ? message.drill_id : '';
    const key = `quarantine/${id}/${createHash('sha256').update(bytes).digest('hex')}.json`;
    const whyKey = key.replace('.json', '.why.json');
    expect(await keysIn('quarantine/')).toEqual([key, whyKey]);
    expect(await textAt(key)).toBe(bytes);
    expect(JSON.parse(await textAt(whyKey))).toEqual({
      quarantined_at: '2026-11-20T03:01:00.000Z',
      why: expect.stringMatching(why),
    });
    expect(await keysIn('receipts/')).toEqual([]);
    expect([...indexed, ...events]).toEqual([]);
    expect(logged('error')).toMatchObject([{ drill_id: id, key, why: expect.stringMatching(why) }]);
    expect([...quarantined]).toEqual([[id, expect.stringMatching(why)]]);
  });

  it("a sink's receipt that comes through the queue", async () => {
    const drill = drilled();
    const { signer, plan, deliver, keysIn } = await given();
    await plan(drill.plan);
    const issuer = { host: 'h', musterVersion: '0', nodeVersion: 'v24', os: 'x', now: ASKED };
    const statement = unfinishedStatement({ plan: drill.plan, reason: 'lost', attempts: [] }, issuer);
    await deliver(messageOf({ statement }, signer));
    expect(await keysIn('receipts/')).toEqual([]);
    expect(await listQuarantine(sink.store, signal)).toHaveLength(1);
  });

  it('what is no message at all, under the name unknown', async () => {
    const { deliverMalformed, keysIn } = await given();
    await deliverMalformed('../../x', { type: 'receipt', drill_id: '../../x' });
    expect(await keysIn('')).toEqual([
      expect.stringMatching(/^quarantine\/unknown\/[0-9a-f]{64}\.json$/),
      expect.stringMatching(/^quarantine\/unknown\/[0-9a-f]{64}\.why\.json$/),
    ]);
  });
});

it('a drill in quarantine is there no more when a receipt of it is stored', async () => {
  const drill = drilled();
  const { signer, plan, deliver, quarantined } = await given();
  await plan(drill.plan);
  await deliver(messageOf(drill, stranger()));
  expect([...quarantined.keys()]).toEqual([drill.id]);
  await deliver(messageOf(drill, signer));
  expect([...quarantined]).toEqual([]);
});

describe('a drill that no worker finished', () => {
  const attempts: readonly Attempt[] = [
    { worker: 'w1', started_at: '2026-11-20T03:00:01.000Z', outcome: 'lost' },
    { worker: 'w2', started_at: '2026-11-20T03:00:31.000Z', outcome: 'lost' },
  ];
  const unfinished = ({ plan }: ReturnType<typeof drilled>): Extract<ReceiptJob, { type: 'unfinished' }> => ({
    type: 'unfinished',
    plan,
    reason: 'lost',
    attempts: [...attempts],
  });

  it('ends in a receipt of the sink, with the story of its tries', async () => {
    const drill = drilled();
    const { plan, deliver, indexed, events } = await given();
    await plan(drill.plan);
    await deliver(unfinished(drill));
    expect((await statementAt(keyOf(drill.id)))?.predicate).toMatchObject({
      issued_by: 'sink',
      result: 'error',
      reason: 'lost',
      attempts,
      environment: { worker: 'sink-host' },
    });
    expect(indexed.has(drill.id)).toBe(true);
    expect(events).toMatchObject([{ type: 'stored', result: 'error', reason: 'lost' }]);
  });

  it('ends in one, however often that is said, and for whatever reasons', async () => {
    const drill = drilled();
    const { deliver, keysIn, logged } = await given();
    await deliver(unfinished(drill));
    const first = await textAt(keyOf(drill.id));
    await deliver({ ...unfinished(drill), reason: 'cancelled' });
    expect(await textAt(keyOf(drill.id))).toBe(first);
    expect(await keysIn('receipts/')).toHaveLength(1);
    expect(logged('warn')).toEqual([]);
  });

  it('has its plan written down where nobody could before', async () => {
    const drill = drilled();
    const { deliver, keysIn } = await given();
    await deliver(unfinished(drill));
    expect(await keysIn('plans/')).toHaveLength(1);
  });

  it("keeps a worker's receipt that is there already", async () => {
    const drill = drilled();
    const { signer, plan, deliver, indexed } = await given();
    await plan(drill.plan);
    await deliver(messageOf(drill, signer));
    indexed.clear();
    await deliver(unfinished(drill));
    expect((await statementAt(keyOf(drill.id)))?.predicate.result).toBe('pass');
    expect(indexed.get(drill.id)?.statement).toEqual(drill.statement);
  });

  it('is not believed where it was planned otherwise', async () => {
    const drill = drilled();
    const { plan, deliver, keysIn } = await given();
    await plan(drill.plan);
    await deliver({ ...unfinished(drill), plan: { ...drill.plan, config_sha256: HASH } });
    expect(await keysIn('receipts/')).toEqual([]);
    expect(await listQuarantine(sink.store, signal)).toHaveLength(1);
  });

  it.each([
    ['an id that is none', { drill_id: 'x' }],
    ['a digest that is none', { config_sha256: 'x' }],
    ['no checks, and does not say so', { checks: [] }],
  ])('is not believed where its plan has %s', async (_, changes) => {
    const drill = drilled();
    const { deliver, keysIn } = await given();
    await deliver({ ...unfinished(drill), plan: { ...drill.plan, ...changes } });
    expect(await keysIn('')).toEqual([expect.anything(), expect.anything()]);
    expect(await listQuarantine(sink.store, signal)).toHaveLength(1);
  });

  it('has a receipt also where what is known of its tries contradicts itself', async () => {
    const drill = drilled();
    const { deliver, logged } = await given();
    const hourLate = { worker: 'w', started_at: '2026-11-20T04:00:00.000Z', outcome: 'lost' } as const;
    await deliver({ ...unfinished(drill), attempts: [hourLate, ...attempts] });
    expect((await statementAt(keyOf(drill.id)))?.predicate.attempts).toEqual([]);
    expect(logged('warn')).toMatchObject([{ drill_id: drill.id }]);
  });

  it("waits while the sink's own key is not in the keyring", async () => {
    const drill = drilled();
    const { deliver, keysIn } = await given({ signer: stranger() });
    await expect(deliver(unfinished(drill))).rejects.toMatchObject({ code: 'key_invalid' });
    expect(await keysIn('')).toEqual([]);
  });

  it('is not indexed by what a stranger put in place of its receipt', async () => {
    const drill = drilled();
    const { deliver, store, signer, plan, indexed, logged } = await given();
    await plan(drill.plan);
    const other = Buffer.from(messageOf(drilled(), signer).bundle);
    await store.putOnce(keyOf(drill.id), other, signal);
    await deliver(unfinished(drill));
    await deliver(messageOf(drill, signer));
    expect(indexed.size).toBe(0);
    expect(logged('error')).toHaveLength(2);
  });
});

/** One letter of the signature is another. */
function forged(message: Extract<ReceiptJob, { type: 'receipt' }>): ReceiptJob {
  const bundle = JSON.parse(message.bundle);
  const [signature] = bundle.dsseEnvelope.signatures;
  signature.sig = `${signature.sig.startsWith('A') ? 'B' : 'A'}${signature.sig.slice(1)}`;
  return { ...message, bundle: JSON.stringify(bundle) };
}
