import { type AskedDrill, drillsQueue } from '@muster/queue';
import { contextOf, inContext, tellLostAttempt } from '@muster/telemetry';
import { type Keeping, keepReceipt, quarantine } from './keep-receipt.js';
import { createVerifier } from './keyring-cache.js';
import type { RunningSink, SinkPorts } from './sink-ports.js';
import { createTrouble } from './trouble.js';

const AT_ONCE = 16;
const LOOK_MS = 5_000;
const PROBE_MS = 60_000;
const CLOSING_MS = 10_000;

/** Takes receipts until it is closed, and speaks for drills whose workers all died. */
export function startSink(ports: SinkPorts): RunningSink {
  const { logger } = ports;
  const keeping: Keeping = { ports, verify: createVerifier(ports.keyring, ports.now) };
  const trouble = createTrouble(logger, ports.now);
  const onError = (error: Error): void => trouble('receipts wait, and come again', error);
  const consumer = ports.consumeReceipts({
    concurrency: AT_ONCE,
    handle: (message) => keepReceipt(keeping, message),
    handleMalformed: (jobId, data) =>
      quarantine(
        ports,
        { id: jobId },
        new TextEncoder().encode(JSON.stringify(data)),
        'it is no message of Muster',
      ),
    onError,
  });

  const closing = new AbortController();
  let isReady = false;
  /** Said when the store can be written; until then, at every look, what keeps it from that. */
  const sayReady = async (): Promise<void> => {
    try {
      await ports.store.probe(AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_MS)]));
      isReady = true;
      logger.info('ready');
    } catch (error) {
      if (closing.signal.aborted) return;
      trouble('not ready: receipts wait until the evidence store can be written', error);
    }
  };
  let looking: Promise<unknown> | undefined;
  const look = (): void => {
    looking ??= Promise.all([isReady || sayReady(), endAbandoned(keeping, trouble)]).finally(() => {
      looking = undefined;
    });
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return {
    ready: consumer.ready.then(look),
    close: async () => {
      clearInterval(timer);
      closing.abort();
      await Promise.race([Promise.all([consumer.close(), looking]), pause(CLOSING_MS)]);
    },
  };
}

/** Drills that killed their workers once too often. Never throws: the next look finds what is left of them. */
async function endAbandoned(keeping: Keeping, trouble: ReturnType<typeof createTrouble>): Promise<void> {
  const { drills } = keeping.ports;
  // Without Redis nothing works, and whoever needs it says so.
  const abandoned = await drills.abandoned().catch(() => []);
  for (const drill of abandoned) {
    const { drill_id: drillId } = drill.plan;
    await inContext(contextOf(drill), () => endOne(keeping, drill)).catch((error: unknown) =>
      trouble('drills whose workers died wait for their receipts', error, { drill_id: drillId }),
    );
  }
}

async function endOne(keeping: Keeping, { plan, traceparent }: AskedDrill): Promise<void> {
  const { drills, receipts, states, events, now } = keeping.ports;
  const { drill_id: drillId } = plan;
  // Its last worker died after it had spoken: that receipt is to stand. Should it not verify, the next look finds none.
  if (await receipts.holds(drillId)) return;
  const attempts = await states.attempts(drillId);
  const reason = (await states.cancelRequested(drillId)) ? 'cancelled' : 'worker_lost';
  const drill = { plan, carrier: { traceparent }, queue: drillsQueue(plan.pool) };
  await tellLostAttempt(drill, attempts, now(), () => events.underWay(drillId));
  await keepReceipt(keeping, { type: 'unfinished', plan, reason, attempts: [...attempts], traceparent });
  await drills.forget(drillId);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
