import { describe, expect, it } from 'vitest';
import { withoutMetadata } from '../format/collection.js';
import { Loader } from './loader.js';

const users = withoutMetadata('shop', 'users');
const orders = withoutMetadata('shop', 'orders');
const document = (number: number, bytes = 100): Buffer => Buffer.alloc(bytes, number);

/** A server that answers when it is told to. */
function slowServer() {
  const sent: { name: string; documents: readonly Buffer[]; answer: PromiseWithResolvers<void> }[] = [];
  const loader = new Loader((collection, documents) => {
    const answer = Promise.withResolvers<void>();
    sent.push({ name: collection.name, documents, answer });
    return answer.promise;
  });
  return { sent, loader };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('documents on their way to a server', () => {
  it('wait until the collections are there', async () => {
    const { sent, loader } = slowServer();
    loader.add(users, document(1));
    loader.flush(users);
    await settled();
    expect(sent).toEqual([]);
    loader.begin();
    await settled();
    expect(sent).toHaveLength(1);
  });

  it('go one batch at a time for each collection, in their order', async () => {
    const { sent, loader } = slowServer();
    loader.begin();
    for (let i = 0; i < 4; i += 1) {
      loader.add(users, document(i));
      loader.flush(users);
      loader.add(orders, document(i));
      loader.flush(orders);
    }
    const drained = loader.drain();
    for (let round = 0; round < 4; round += 1) {
      await settled();
      const now = sent.slice(round * 2);
      expect(now.map(({ name, documents }) => [name, documents[0]?.[0]])).toEqual([
        ['users', round],
        ['orders', round],
      ]);
      for (const { answer } of now) answer.resolve();
    }
    await drained;
  });

  it('are sent by so many bytes, and whoever adds more waits for room', async () => {
    const { sent, loader } = slowServer();
    loader.begin();
    for (let i = 0; i < 9; i += 1) loader.add(users, document(i, 512 * 1024));
    let room = false;
    const waiting = loader.room().then(() => {
      room = true;
    });
    await settled();
    expect([sent.length, sent[0]?.documents.length, room]).toEqual([1, 2, false]);
    sent[0]?.answer.resolve();
    await waiting;
    expect(room).toBe(true);
  });

  it('wait for room also where there are many batches of next to nothing', async () => {
    const { sent, loader } = slowServer();
    loader.begin();
    for (let i = 0; i < 4000; i += 1) {
      loader.add(users, document(i, 5));
      loader.flush(users);
    }
    let room = false;
    const waiting = loader.room().then(() => {
      room = true;
    });
    await settled();
    expect(room).toBe(false);
    for (let i = 0; i < 500; i += 1) {
      sent[i]?.answer.resolve();
      await settled();
    }
    await waiting;
  });

  it('keep nothing of what they came in', async () => {
    const { sent, loader } = slowServer();
    loader.begin();
    const chunk = Buffer.alloc(1024 * 1024, 7);
    loader.add(users, chunk.subarray(5, 10));
    loader.flush(users);
    await settled();
    const [only] = sent[0]?.documents ?? [];
    expect(only).toEqual(Buffer.alloc(5, 7));
    expect(only?.buffer.byteLength).toBeLessThan(chunk.length);
  });

  it('that are refused end everything', async () => {
    const { sent, loader } = slowServer();
    loader.begin();
    loader.add(users, document(1));
    loader.flush(users);
    loader.add(users, document(2));
    loader.flush(users);
    await settled();
    sent[0]?.answer.reject(new Error('refused'));
    await expect(loader.drain()).rejects.toThrow('refused');
    await expect(loader.room()).rejects.toThrow('refused');
    expect(sent).toHaveLength(1);
  });
});
