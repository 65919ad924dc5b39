import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { MusterError } from '@muster/core';
import { describe, expect, it } from 'vitest';
import type { FlowArtefact } from '../artefact.js';
import { shareFlow } from './share-flow.js';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

/** Gives pieces of 1 MiB, and says how many it gave and how often it was opened. */
function source(pieces: number, fault?: Error) {
  const told = { given: 0, opened: 0, closed: 0 };
  const artefact: FlowArtefact = {
    form: 'flow',
    name: 'a.dump',
    sizeBytes: pieces * MIB,
    beside: [],
    head: () => Promise.reject(new Error('nobody asks')),
    open: () => {
      told.opened += 1;
      const bytes = async function* () {
        for (; told.given < pieces; told.given += 1) yield Buffer.alloc(MIB, told.given);
        if (fault !== undefined) throw fault;
      };
      return {
        content: Readable.from(bytes(), { objectMode: false }),
        stored: async () => ({ sha256: `sha256:${'0'.repeat(64)}`, sizeBytes: pieces * MIB }),
        close: () => {
          told.closed += 1;
        },
      };
    },
  };
  return { artefact, told };
}

const sizeOf = async (stream: Readable): Promise<number> => {
  let size = 0;
  for await (const chunk of stream) size += (chunk as Buffer).length;
  return size;
};

describe('a shared flow', () => {
  it('is read once, and both have all of it', async () => {
    const { artefact, told } = source(20);
    const shared = shareFlow(artefact, signal);
    const both = [shared.restoring, shared.examining].map((one) => sizeOf(one.open(signal).content));
    expect(await Promise.all(both)).toEqual([20 * MIB, 20 * MIB]);
    expect(told.opened).toBe(1);
    shared.close();
    expect(told.closed).toBe(1);
  });

  it('goes at the pace of the slower one, a piece or two apart', async () => {
    const { artefact, told } = source(200);
    const shared = shareFlow(artefact, signal);
    shared.restoring.open(signal);
    const reading = sizeOf(shared.examining.open(signal).content);
    while (told.given < 1) await setImmediate();
    for (let turn = 0; turn < 200; turn += 1) await setImmediate();
    expect(told.given).toBeLessThan(4);
    shared.leave();
    expect(await reading).toBe(200 * MIB);
    shared.close();
  });

  it('goes on for the one when the other has left before it opened it', async () => {
    const { artefact } = source(20);
    const shared = shareFlow(artefact, signal);
    shared.leave();
    expect(await sizeOf(shared.examining.open(signal).content)).toBe(20 * MIB);
    shared.close();
  });

  it('tells both of a fault', async () => {
    const { artefact } = source(2, new MusterError('corrupt', 'damaged'));
    const shared = shareFlow(artefact, signal);
    const both = [shared.restoring, shared.examining].map((one) => sizeOf(one.open(signal).content));
    for (const one of await Promise.allSettled(both))
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'corrupt' } });
    shared.close();
  });

  it('that is closed ends for both, also while nobody reads', async () => {
    const { artefact } = source(200);
    const shared = shareFlow(artefact, signal);
    const { content } = shared.restoring.open(signal);
    const closed = once(content, 'close');
    shared.close();
    await closed;
  });
});
