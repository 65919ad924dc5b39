import { isMusterError, type Plan } from '@muster/core';
import { type Keeping, keepReceipt, keepUnfinished, quarantine } from './keep-receipt.js';
import { createVerifier } from './keyring-cache.js';
import type { RunningSink, SinkPorts } from './sink-ports.js';

const AT_ONCE = 16;
const LOOK_MS = 5_000;
const CLOSING_MS = 10_000;

/** Takes receipts until it is closed, and speaks for drills whose workers all died. */
export function startSink(ports: SinkPorts): RunningSink {
  const { logger } = ports;
  const keeping: Keeping = { ports, verify: createVerifier(ports.keyring, ports.now) };
  const onError = (error: Error): void => logger.error('a receipt is to come again', error);
  const consumer = ports.consumeReceipts({
    concurrency: AT_ONCE,
    handle: (message) => keepReceipt(keeping, message),
    handleMalformed: (jobId, data) =>
      quarantine(ports, jobId, new TextEncoder().encode(JSON.stringify(data)), 'it is no message of Muster'),
    onError,
  });

  let looking: Promise<void> | undefined;
  const look = (): void => {
    looking ??= endAbandoned(keeping)
      .catch((error: unknown) => {
        // The next look finds the same.
        if (!isMusterError(error, 'redis_unavailable'))
          logger.error('an abandoned drill is left for now', error);
      })
      .finally(() => {
        looking = undefined;
      });
  };
  const timer = setInterval(look, LOOK_MS).unref();
  const ready = consumer.ready.then(() => {
    look();
    logger.info('ready');
  });
  return {
    ready,
    close: async () => {
      clearInterval(timer);
      await Promise.race([Promise.all([consumer.close(), looking]), pause(CLOSING_MS)]);
    },
  };
}

/** Drills that killed their workers once too often. */
async function endAbandoned(keeping: Keeping): Promise<void> {
  const { drills, states } = keeping.ports;
  const end = async (plan: Plan): Promise<void> => {
    const [attempts, isCancelled] = await Promise.all([
      states.attempts(plan.drill_id),
      states.cancelRequested(plan.drill_id),
    ]);
    await keepUnfinished(keeping, { plan, reason: isCancelled ? 'cancelled' : 'worker_lost', attempts });
    await drills.forget(plan.drill_id);
  };
  for (const plan of await drills.abandoned()) await end(plan);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
