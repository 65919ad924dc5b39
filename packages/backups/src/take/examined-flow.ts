import type { Readable } from 'node:stream';
import { isMusterError, type MusterError } from '@muster/core';
import { type BackupFacts, type Engine, type FlowArtefact, HeadReader, shareFlow } from '@muster/engines';

/** A dump that is looked at while it flows: its head says what it is, and all of it goes through the engine's checks. */
export interface ExaminedFlow {
  readonly facts: BackupFacts;
  /** All bytes of the dump. Leaving it ends the dump. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Once all has flowed: what is wrong with the content. @throws what broke the flow. */
  ended(): Promise<MusterError | undefined>;
  /** Idempotent. */
  close(): void;
}

/** @throws what ended the dump before its head was whole; else what {@link Engine.identify} throws. */
export async function examinedFlow(
  engine: Pick<Engine, 'identify' | 'examine'>,
  name: string,
  dump: Readable,
  signal: AbortSignal,
): Promise<ExaminedFlow> {
  const reader = new HeadReader<Uint8Array>(dump);
  const artefact: FlowArtefact = {
    form: 'flow',
    name,
    sizeBytes: 0,
    beside: [],
    head: async () => ({ bytes: growingHead(reader) }),
    open: () => {
      const content = reader.replay();
      return {
        content,
        // Nobody asks: what is stored has its digest taken where it is written.
        stored: async () => ({ sha256: `sha256:${'0'.repeat(64)}`, sizeBytes: 0 }),
        close: () => void content.on('error', () => undefined).destroy(),
      };
    },
  };
  let facts: BackupFacts;
  try {
    facts = await engine.identify(artefact, signal);
  } catch (error) {
    dump.destroy();
    throw error;
  }
  const shared = shareFlow(artefact, signal);
  const bytes = shared.restoring.open(signal).content;
  const examined = engine.examine(shared.examining, facts, { onBytes: () => undefined }, signal);
  // Heard of where the bytes are read, too.
  examined.catch(() => undefined);
  return {
    facts,
    bytes,
    ended: async () => (await examined).fault,
    close: () => {
      shared.close();
      dump.destroy();
    },
  };
}

/** The beginning of what flows, as far as it is asked for; it all flows again later. */
async function* growingHead(reader: HeadReader): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const head = await reader.atLeast(Math.max(1, at * 2));
    if (head.length <= at) return throwUnless(reader);
    yield head.subarray(at);
    at = head.length;
  }
}

const WHOLE = new Error('the flow came to its end');

/** What broke the flow says more than that it ended early. */
function throwUnless(reader: HeadReader): void {
  try {
    reader.short(WHOLE);
  } catch (error) {
    if (error !== WHOLE) throw error;
  }
}

/** Of two that failed together, the one that says why. */
export const causeOf = (errors: readonly unknown[]): unknown =>
  errors.find((error) => isMusterError(error) && error.code !== 'cancelled') ?? errors[0];
