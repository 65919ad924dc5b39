import { isMusterError } from '@muster/core';
import type { Logger } from '@muster/telemetry';

export interface Answerer {
  /** Answers what is asked of the pool, one after another; nothing more where it does so already. Never throws. */
  answer(): Promise<void>;
  /** Ends what is looked at, of which nobody is told; resolves when it is over. */
  stop(): Promise<void>;
}

/** Looks for those who cannot. `what`: for the log. */
export function createAnswerer<Asked>(
  { what, logger }: { readonly what: string; readonly logger: Pick<Logger, 'error'> },
  next: () => Promise<Asked | undefined>,
  answerOne: (asked: Asked, signal: AbortSignal) => Promise<void>,
): Answerer {
  const stopping = new AbortController();
  const { signal } = stopping;
  let answering: Promise<void> | undefined;
  const answerAll = async (): Promise<void> => {
    while (!signal.aborted) {
      const asked = await next();
      if (asked === undefined) return;
      await answerOne(asked, signal);
    }
  };
  return {
    answer: () => {
      answering ??= answerAll()
        .catch((error: unknown) => {
          // Redis is away, or this worker stops: whoever asks will ask again.
          if (signal.aborted || isMusterError(error, 'redis_unavailable')) return;
          logger.error(what, error);
        })
        .finally(() => {
          answering = undefined;
        });
      return answering;
    },
    stop: async () => {
      stopping.abort();
      await answering;
    },
  };
}
