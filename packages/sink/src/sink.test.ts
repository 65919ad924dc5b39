import { createPrivateKey } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import { createSigner, generateKeyPair, loadKeyring, verifyReceipt } from '@muster/evidence';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ASKED, drilled, messageOf, signal, sinkInMemory } from './sink.fixture.js';

type Sink = Awaited<ReturnType<typeof sinkInMemory>>;

let sink: Sink;
afterEach(async () => {
  vi.useRealTimers();
  await sink.close();
});

async function given(setUp: (sink: Sink) => void): Promise<Sink> {
  sink = await sinkInMemory();
  setUp(sink);
  await sink.start();
  return sink;
}

/** What the receipts in the store say, by drill. */
async function reasons(): Promise<Record<string, string | undefined>> {
  const keyring = await loadKeyring(sink.keys);
  const said = (await sink.keysIn('receipts/')).map(async (key) => {
    const { statement } = await verifyReceipt(await sink.store.get(key, signal), {
      keyring,
      requirePass: false,
    });
    return [statement?.predicate.drill_id, statement?.predicate.reason ?? statement?.predicate.result];
  });
  return Object.fromEntries(await Promise.all(said));
}

/** What is written is written durably: a busy disk takes its time. */
const PATIENCE_MS = 15_000;

/** Lets the time of a look come, until what is expected is so: one that comes during a look is passed over. */
const lookUntil = (expected: () => void): Promise<void> =>
  vi.waitFor(() => {
    vi.advanceTimersByTime(5_000);
    expected();
  }, PATIENCE_MS);

describe('a drill whose workers all died', () => {
  const drill = drilled();

  it('ends in a receipt that says so, with the tries, and leaves the queue', async () => {
    const { queue, indexed } = await given(({ queue }) => {
      queue.abandoned.push(drill.plan);
      queue.attempts = [{ worker: 'w1', started_at: ASKED.toISOString(), outcome: 'lost' }];
    });
    await vi.waitFor(() => expect(queue.abandoned).toEqual([]), PATIENCE_MS);
    expect(await reasons()).toEqual({ [drill.id]: 'worker_lost' });
    expect(indexed.get(drill.id)?.statement.predicate.attempts).toHaveLength(1);
  });

  it('was cancelled, if somebody had asked for that', async () => {
    const { queue } = await given(({ queue }) => {
      queue.abandoned.push(drill.plan);
      queue.cancelled.add(drill.id);
    });
    await vi.waitFor(() => expect(queue.abandoned).toEqual([]), PATIENCE_MS);
    expect(await reasons()).toEqual({ [drill.id]: 'cancelled' });
  });

  it('keeps the receipt that its last worker stored, and is forgotten', async () => {
    const { queue, plan, deliver, signer } = await given(() => {});
    await plan(drill.plan);
    queue.abandoned.push(drill.plan);
    await deliver(messageOf(drill, signer));
    expect(queue.abandoned).toEqual([]);
    expect(await reasons()).toEqual({ [drill.id]: 'pass' });
  });

  it('is left alone while a receipt is on its way, and is looked for again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const { queue, keysIn } = await given(({ queue }) => {
      queue.abandoned.push(drill.plan);
      queue.onTheirWay.add(drill.id);
    });
    const other = drilled();
    queue.abandoned.push(other.plan);
    await lookUntil(() => expect(queue.abandoned).toEqual([drill.plan]));
    expect(await keysIn('receipts/')).toHaveLength(1);
    queue.onTheirWay.clear();
    await lookUntil(() => expect(queue.abandoned).toEqual([]));
    expect(await reasons()).toEqual({ [drill.id]: 'worker_lost', [other.id]: 'worker_lost' });
  });

  it('does not hold up the others where it cannot be ended', async () => {
    const other = drilled();
    const { queue, logged } = await given(({ queue, store }) => {
      queue.abandoned.push(drill.plan, other.plan);
      const { putOnce } = store;
      (store as { putOnce: typeof putOnce }).putOnce = async (key, bytes, signal) => {
        if (key.includes(drill.id)) throw new Error('no');
        return await putOnce(key, bytes, signal);
      };
    });
    await vi.waitFor(() => expect(queue.abandoned).toEqual([drill.plan]), PATIENCE_MS);
    expect(await reasons()).toEqual({ [other.id]: 'worker_lost' });
    expect(logged('error')).toMatchObject([{ drill_id: drill.id }]);
  });
});

const stranger = () => createSigner(createPrivateKey(generateKeyPair().privateKeyPem));

it('a bad file in the keyring keeps waiting only what verifies with no good one, and lets nothing pass', async () => {
  sink = await sinkInMemory();
  await sink.start();
  const bad = join(sink.keys, 'bad.pem');
  await writeFile(bad, 'not a key');
  const [good, strange] = [drilled(), drilled()];
  for (const { plan } of [good, strange]) await sink.plan(plan);
  await sink.deliver(messageOf(good, sink.signer));
  const message = messageOf(strange, stranger());
  await sink.fails(message);
  expect([...sink.indexed.keys()]).toEqual([good.id]);
  expect(sink.quarantined.size).toBe(0);
  await rm(bad);
  await sink.deliver(message);
  expect([...sink.indexed.keys()]).toEqual([good.id]);
  expect([...sink.quarantined.keys()]).toEqual([strange.id]);
});

it('what keeps every receipt from being kept is said once, and again after 10 minutes', async () => {
  const clock = { minutes: 1 };
  sink = await sinkInMemory({ now: () => new Date(ASKED.getTime() + clock.minutes * 60_000) });
  await sink.start();
  await writeFile(join(sink.keys, 'private.pem'), generateKeyPair().privateKeyPem);
  for (const minutes of [1, 2, 10, 11]) {
    clock.minutes = minutes;
    for (const drill of [drilled(), drilled()]) await sink.fails(messageOf(drill, stranger()));
  }
  const said = { code: 'key_invalid', error: expect.stringContaining('private.pem is a private key') };
  expect(sink.logged('error')).toMatchObject([said, said]);
});

it('a sink that cannot write its store says so in place of ready, and is ready as soon as it can', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  sink = await sinkInMemory();
  const { probe } = sink.store;
  const store = sink.store as { probe: typeof probe };
  store.probe = async () => {
    throw new MusterError('evidence_unwritable', 'The evidence store belongs to another.');
  };
  await sink.start();
  const said = { msg: expect.stringMatching(/^not ready: /), code: 'evidence_unwritable' };
  await vi.waitFor(() => expect(sink.logged('error')).toMatchObject([said]));
  expect(sink.logged('info')).toEqual([]);
  store.probe = probe;
  await lookUntil(() => expect(sink.logged('info')).toMatchObject([{ msg: 'ready' }]));
});
