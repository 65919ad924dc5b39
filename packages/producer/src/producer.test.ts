import { MusterError, parseConfig, sha256 } from '@muster/core';
import type { ConfigDocument, ConfigInForce } from '@muster/queue';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RunningProducer, startProducer } from './producer.js';
import type { ProducerPorts } from './producer-ports.js';

const yaml = (slug: string): string =>
  `sources: [{ slug: ${slug}, kind: postgres, connection: { uri: env:A }, restore_only: true }]`;

function read(text: string) {
  const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: '/' });
  if (!parsed.ok) return parsed;
  const { config, document } = parsed;
  const travels: ConfigDocument = { digest: config.configSha256, text: document, directory: '/' };
  return { ok: true as const, read: { config, document: travels } };
}

/** A producer over a configuration store in memory; there is nothing due. */
function world(first: string) {
  let text = first;
  const said: object[] = [];
  const kept = new Map<string, ConfigDocument>();
  const state: { inForce?: ConfigInForce; canStore: boolean } = { canStore: true };
  const logger = {
    info: (message: string, fields: object) => void said.push({ message, ...fields }),
    warn: () => {},
    error: () => {},
    child: () => logger,
  };
  const ports = {
    file: {
      path: 'muster.yaml',
      digest: async () => sha256(text),
      read: async () => ({ fileDigest: sha256(text), ...read(text) }),
      onChange: () => ({ close: () => {} }),
    },
    parse: (document: ConfigDocument) => read(document.text),
    configs: {
      inForce: async () => state.inForce,
      get: async (digest: string) => kept.get(digest),
      enforce: async (document: ConfigDocument, origin: ConfigInForce['origin']) => {
        kept.set(document.digest, document);
        state.inForce = { digest: document.digest, origin };
      },
      onPush: async () => ({ close: async () => {} }),
    },
    schedules: {
      sync: async () => ({ added: 0, changed: 0, removed: 0, unchanged: 0 }),
      accounted: async () => new Map(),
    },
    consumeTicks: () => ({ ready: Promise.resolve(), close: async () => {} }),
    drills: { list: async () => [] },
    quarantined: { list: async () => [] },
    openStore: () => ({
      list: async function* () {},
      probe: async () => {
        if (!state.canStore) throw new MusterError('evidence_unwritable', 'The evidence store is full.');
      },
    }),
    logger,
    now: () => new Date(),
  } as unknown as ProducerPorts;
  const edit = (next: string): void => {
    text = next;
  };
  return { ports, kept, state, said, edit };
}

describe('the configuration in force', () => {
  let producer: RunningProducer;
  afterEach(() => producer.close());

  const started = async () => {
    const { ports, kept, state } = world(yaml('shop'));
    producer = startProducer(ports, { lookMs: 5 });
    await producer.ready;
    const digest = state.inForce?.digest ?? sha256('');
    return { kept, state, digest, mine: kept.get(digest) };
  };
  const theirs = (): ConfigDocument => {
    const other = read(yaml('theirs'));
    if (!other.ok) throw new Error('it has no faults');
    return other.read.document;
  };

  it('is put there again where its text is gone from Redis', async () => {
    const { kept, digest, mine } = await started();
    kept.delete(digest);
    await vi.waitFor(() => expect(kept.get(digest)).toEqual(mine));
  });

  it('is put there again where Redis has another text under its digest', async () => {
    const { kept, digest, mine } = await started();
    kept.set(digest, { ...theirs(), digest });
    await vi.waitFor(() => expect(kept.get(digest)).toEqual(mine));
  });

  it('is put there again where the one in force is another than its digest says', async () => {
    const { kept, state, digest } = await started();
    const forged = sha256('forged');
    kept.set(forged, { ...theirs(), digest: forged });
    state.inForce = { digest: forged, origin: { type: 'file' } };
    await vi.waitFor(() => expect(state.inForce?.digest).toBe(digest));
  });

  const edited = yaml('shop').replace('env:A', 'env:B');

  it('says what an edit changed, and that there is none where somebody asks it to read the file again', async () => {
    const { ports, said, edit } = world(yaml('shop'));
    producer = startProducer(ports);
    await producer.ready;
    await producer.reload();
    edit(edited);
    await producer.reload();
    const message = 'configuration in force';
    expect(said).toMatchObject([
      { message, sources_added: 1, sources_changed: 0 },
      { message: expect.stringContaining('unchanged') },
      { message, sources_added: 0, sources_changed: 1, schedules_unchanged: 0 },
    ]);
  });

  it('that was pushed stays, and says so, until the file changes', async () => {
    const { ports, state, said, edit } = world(yaml('shop'));
    producer = startProducer(ports);
    await producer.ready;
    const pushed = theirs();
    await ports.configs.enforce(pushed, { type: 'push', fileDigest: sha256(yaml('shop')) });
    expect(await producer.reload()).toEqual({ type: 'unchanged', digest: pushed.digest });
    expect(said.at(-1)).toMatchObject({
      message: 'the configuration that was pushed stays in force until the file changes',
      digest: pushed.digest,
    });
    edit(edited);
    expect(await producer.reload()).toMatchObject({ type: 'enforced' });
    expect(state.inForce?.origin).toEqual({ type: 'file' });
  });
});

it('a producer that can write no plans does not start, and says why', async () => {
  const { ports, state } = world(yaml('shop'));
  state.canStore = false;
  const consumeTicks = vi.spyOn(ports, 'consumeTicks');
  const producer = startProducer(ports);
  await expect(producer.ready).rejects.toMatchObject({ code: 'evidence_unwritable' });
  expect(consumeTicks).not.toHaveBeenCalled();
  await producer.close();
});
