import { PassThrough } from 'node:stream';
import type { Flow, FlowArtefact } from '../artefact.js';
import { drained } from './drained.js';

/** How far one reader may be ahead of the other. As little as keeps both busy: what flows from S3 is garbage behind them. */
const AHEAD_BYTES = 512 * 1024;

/** One reading of an artefact, for the two who read it at once: the slower one sets the pace. */
export interface SharedFlow {
  readonly restoring: FlowArtefact;
  /** Alone asks for what is stored. */
  readonly examining: FlowArtefact;
  /** The restore reads no more; the other goes on. */
  leave(): void;
  /** Idempotent. */
  close(): void;
}

/** `artefact`, opened when the first of its two readers opens it. Each may do that once. */
export function shareFlow(artefact: FlowArtefact, signal: AbortSignal): SharedFlow {
  const restoring = branch();
  const examining = branch();
  let flow: Flow | undefined;
  const begin = (): Flow => {
    if (flow === undefined) {
      flow = artefact.open(signal);
      void pour(flow, [restoring, examining]);
    }
    return flow;
  };
  const reader = (content: PassThrough): FlowArtefact => ({
    ...artefact,
    open: () => {
      const source = begin();
      return { content, stored: () => source.stored(), close: () => content.destroy() };
    },
  });
  return {
    restoring: reader(restoring),
    examining: reader(examining),
    leave: () => restoring.destroy(),
    close: () => {
      restoring.destroy();
      examining.destroy();
      flow?.close();
    },
  };
}

function branch(): PassThrough {
  const half = AHEAD_BYTES / 2;
  const stream = new PassThrough({ readableHighWaterMark: half, writableHighWaterMark: half });
  // Its reader hears of it; without one it is nobody's matter.
  return stream.on('error', () => undefined);
}

async function pour({ content }: Flow, branches: readonly PassThrough[]): Promise<void> {
  const open = () => branches.filter((stream) => stream.writable);
  try {
    for await (const chunk of content) {
      await Promise.all(open().map((stream) => stream.write(chunk) || drained(stream)));
      if (open().length === 0) return;
    }
    for (const stream of open()) stream.end();
  } catch (error) {
    for (const stream of open()) stream.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
