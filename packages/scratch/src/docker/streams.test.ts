import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { drainTo, feed } from './streams.js';

const collect = (faults: unknown[]) => (error: unknown) => void faults.push(error);

describe('feeding a process', () => {
  it('sends all of the source, and its end', async () => {
    const stdin = new PassThrough();
    const faults: unknown[] = [];
    await feed(Readable.from(['a', 'b']), stdin, collect(faults));
    expect([String(stdin.read()), stdin.writableEnded, faults]).toEqual(['ab', true, []]);
  });

  it('reports a source that fails, and one that was closed before its end', async () => {
    const fault = new Error('broken');
    for (const [error, reported] of [
      [fault, fault],
      [undefined, expect.objectContaining({ message: expect.stringContaining('before its end') })],
    ] as const) {
      const source = new Readable({ read() {} });
      const faults: unknown[] = [];
      const fed = feed(source, new PassThrough().resume(), collect(faults));
      source.destroy(error);
      await fed;
      expect(faults[0]).toEqual(reported);
    }
  });

  it('leaves open what a process is heard by, when the source fails', async () => {
    const source = new Readable({ read() {} });
    const stdin = new PassThrough();
    const fed = feed(source, stdin, () => {});
    source.destroy(new Error('broken'));
    await fed;
    expect([stdin.destroyed, stdin.writable]).toEqual([false, true]);
  });

  it('waits for a process that reads slowly', async () => {
    const stdin = new PassThrough({ highWaterMark: 1 });
    const piece = Buffer.alloc(64 * 1024, 'x');
    const source = Readable.from([piece, piece, piece]);
    const fed = feed(source, stdin, () => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.readableEnded).toBe(false);
    expect(Buffer.concat(await stdin.toArray())).toEqual(Buffer.alloc(3 * piece.length, 'x'));
    await fed;
  });

  it('reports a source that was closed before it began', async () => {
    const source = new Readable({ read() {} });
    source.destroy();
    const faults: unknown[] = [];
    await feed(source, new PassThrough(), collect(faults));
    expect(faults).toHaveLength(1);
  });

  it('lets the source go, without a fault, when the process reads no more', async () => {
    const source = new Readable({ read() {} });
    source.push('x');
    const stdin = new PassThrough();
    const faults: unknown[] = [];
    const fed = feed(source, stdin, collect(faults));
    stdin.destroy();
    await fed;
    expect([source.destroyed, faults]).toEqual([true, []]);
  });
});

describe('writing for somebody else', () => {
  const { signal } = new AbortController();

  it('waits until a full stream takes more, and does not end it', async () => {
    const target = new PassThrough({ highWaterMark: 1 });
    const { write, release } = drainTo(target, () => {}, signal);
    let written = false;
    const writing = Promise.resolve(write(Buffer.from('xx'))).then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    target.resume();
    await writing;
    release();
    expect([target.writableEnded, target.listenerCount('close')]).toEqual([false, 0]);
  });

  it('reports a stream that breaks or is closed', async () => {
    const fault = new Error('full');
    for (const [error, reported] of [
      [fault, fault],
      [undefined, expect.objectContaining({ message: expect.stringContaining('closed') })],
    ] as const) {
      const faults: unknown[] = [];
      const target = new Writable({ write() {} });
      drainTo(target, collect(faults), signal);
      target.destroy(error);
      await new Promise((resolve) => setImmediate(resolve));
      expect(faults[0]).toEqual(reported);
    }
  });
});
