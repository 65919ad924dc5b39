import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { MusterError } from '@muster/core';
import {
  backupChanged,
  type FileBeside,
  FLOW_BUFFER_BYTES,
  type Flow,
  type FlowArtefact,
  HeadReader,
} from '@muster/engines';
import { type AgeKeys, decrypted, hasPassphrase, isAge } from './age.js';

/** The bytes of one backup as they are stored, and how they are read. */
export interface Stored {
  readonly name: string;
  readonly sizeBytes: number;
  readonly beside: readonly FileBeside[];
  /** From the beginning, fetched only as far as they are asked for. */
  head(signal: AbortSignal): AsyncIterable<Buffer>;
  /** All of them. */
  read(signal: AbortSignal): StoredReading;
}

export interface StoredReading {
  /** @throws the reasons of a drill. */
  readonly bytes: AsyncGenerator<Buffer, void, undefined>;
  /** Once all came: what the storage itself says against them. @throws `backup_changed`. */
  end(): Promise<MusterError | undefined>;
}

/** What is stored, as the dump that it is inside of its encryption. `keys`: absent = nothing is encrypted. */
export function flowOf(stored: Stored, keys: (() => Promise<AgeKeys>) | undefined): FlowArtefact {
  const { name, sizeBytes, beside } = stored;
  const content = async (bytes: AsyncIterable<Buffer>) => {
    if (keys === undefined) return { bytes };
    const reader = new HeadReader(bytes);
    if (!isAge(await reader.atLeast(LOOK_BYTES))) return { bytes: reader.whole() };
    return { bytes: decrypted(reader.whole(), await keys()), encryption: 'age' as const };
  };
  return {
    form: 'flow',
    name,
    sizeBytes,
    beside,
    head: (signal) => content(stored.head(signal)),
    open: (signal) => open(stored, content, signal),
  };
}

type Content = (bytes: AsyncIterable<Buffer>) => Promise<{ readonly bytes: AsyncIterable<Uint8Array> }>;

function open(stored: Stored, content: Content, signal: AbortSignal): Flow {
  const reading = stored.read(signal);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const hashed = (async function* () {
    for await (const chunk of reading.bytes) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  })();
  const plain = async function* () {
    // What is left of the stored bytes is read for their digest, also where the content is at fault.
    yield* (await content(keptOpen(hashed))).bytes;
  };
  const dump = Readable.from(plain(), { objectMode: false, highWaterMark: FLOW_BUFFER_BYTES });
  return {
    content: dump,
    stored: async () => {
      for await (const _ of hashed);
      const fault = await reading.end();
      signal.throwIfAborted();
      if (sizeBytes !== stored.sizeBytes) throw backupChanged();
      return { sha256: `sha256:${hash.digest('hex')}`, sizeBytes, ...(fault && { fault }) };
    },
    close: () => {
      dump.on('error', () => undefined).destroy();
      void hashed.return().catch(() => undefined);
    },
  };
}

/** How it is encrypted, by its first bytes. */
export async function encryptionOf(
  stored: Stored,
  signal: AbortSignal,
): Promise<'none' | 'recipients' | 'passphrase'> {
  const reader = new HeadReader(stored.head(signal));
  try {
    const head = await reader.atLeast(LOOK_BYTES);
    return isAge(head) ? (hasPassphrase(head) ? 'passphrase' : 'recipients') : 'none';
  } finally {
    await reader.close();
  }
}

/** So many bytes as tell that something is encrypted. */
const LOOK_BYTES = 64;

/** Who stops reading this leaves `bytes` as they are. */
async function* keptOpen(bytes: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) yield next.value;
}
