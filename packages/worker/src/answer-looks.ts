import { type Config, isMusterError } from '@muster/core';
import type { AskedLook } from '@muster/queue';
import { canSign } from './conditions.js';
import { sourceFor } from './source-for.js';
import type { WorkerPorts } from './worker-ports.js';

export interface LookAnswerer {
  /** Answers what is asked of the pool, one after another; nothing more where it does so already. Never throws. */
  answer(): Promise<void>;
  /** Ends what is looked at, of which nobody is told; resolves when it is over. */
  stop(): Promise<void>;
}

/** Looks at backups for those who cannot reach them. */
export function createLookAnswerer(
  ports: Pick<WorkerPorts, 'look' | 'looks' | 'openSigner' | 'logger'>,
  pool: string,
  configOf: (digest: string) => Promise<Config | undefined>,
): LookAnswerer {
  const stopping = new AbortController();
  const { signal } = stopping;
  let answering: Promise<void> | undefined;
  const answerAll = async (): Promise<void> => {
    while (!signal.aborted) {
      const asked = await ports.looks.next(pool);
      if (asked === undefined) return;
      await answerOne(ports, asked, configOf, signal);
    }
  };
  return {
    answer: () => {
      answering ??= answerAll()
        .catch((error: unknown) => {
          // Redis is away, or this worker stops: whoever asks will ask again.
          if (signal.aborted || isMusterError(error, 'redis_unavailable')) return;
          ports.logger.error('a look at the backups of a source', error);
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

async function answerOne(
  ports: Pick<WorkerPorts, 'look' | 'looks' | 'openSigner'>,
  asked: AskedLook,
  configOf: (digest: string) => Promise<Config | undefined>,
  signal: AbortSignal,
): Promise<void> {
  const { plan } = asked;
  const config = await configOf(plan.config_sha256);
  const source = config && sourceFor(plan, config);
  if (config === undefined || source === undefined) return;
  const [look, signs] = await Promise.all([
    ports.look({ plan, config, source }, signal),
    canSign(ports, config),
  ]);
  await ports.looks.tell(asked, { ...look, ...(!signs && { waits_for: 'key' as const }) });
}
