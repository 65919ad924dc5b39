import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { MusterError } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { hashing } from './counting.js';
import { feed } from './feed.js';

const noFault = () => {
  throw new Error('there was a fault');
};

async function* pieces(count: number, fault?: Error): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n += 1) yield Buffer.alloc(256 * 1024, n);
  if (fault !== undefined) throw fault;
}

describe('what flows into a tool', () => {
  it('is the source between a head and a tail', async () => {
    const input = feed(Readable.from([Buffer.from('b')]), { head: 'a', tail: 'c', onFault: noFault });
    expect(await text(input.stdin)).toBe('abc');
    expect(await input.stop('drop')).toBeUndefined();
  });

  it('lets the source go where the tool ended before it', async () => {
    const source = Readable.from(pieces(1000));
    const input = feed(source, { onFault: noFault });
    input.stdin.read();
    await input.stop('drop');
    expect(source.destroyed).toBe(true);
  });

  it('flows to its end where all of it is hashed, though the tool has ended', async () => {
    const hash = hashing(Readable.from(pieces(20)), () => undefined);
    const input = feed(hash.stream, { onFault: noFault });
    expect(await input.stop('drain')).toBeUndefined();
    const expected = createHash('sha256');
    for await (const piece of pieces(20)) expected.update(piece);
    expect(hash.result()).toEqual({
      sha256: `sha256:${expected.digest('hex')}`,
      sizeBytes: 20 * 256 * 1024,
    });
  });

  it('tells a fault of the source, which is not taken for its end', async () => {
    const fault = Promise.withResolvers<void>();
    const truncated = new MusterError('truncated', 'too short');
    const input = feed(Readable.from(pieces(2, truncated)), { onFault: fault.resolve });
    input.stdin.resume();
    await fault.promise;
    expect(await input.stop('drop')).toBe(truncated);
  });

  it('calls what cannot be read so', async () => {
    const fault = Promise.withResolvers<void>();
    const input = feed(Readable.from(pieces(0, new Error('EIO'))), { onFault: fault.resolve });
    input.stdin.resume();
    await fault.promise;
    expect(await input.stop('drop')).toMatchObject({ code: 'backup_unreadable' });
  });
});
