import type { Config } from '@muster/core';
import { createConfigCache, type Heartbeat, type Subscription } from '@muster/queue';
import { contextOf, inContext } from '@muster/telemetry';
import { createCatalogueAnswerer } from './answer-catalogues.js';
import { createLookAnswerer } from './answer-looks.js';
import { deliver } from './deliver.js';
import { deliverTake, type RunningTake } from './deliver-take.js';
import { createRunningDrills, type RunningDrills } from './running-drills.js';
import type { RunningWorker, WorkerOptions, WorkerPorts } from './worker-ports.js';

const BEAT_MS = 10_000;
/** A wish to cancel that was not heard (Redis was away) is seen this soon. */
const LOOK_MS = 2_000;
/** Whoever asks for a look at backups waits for it. */
const ANSWER_MS = 500;
/** How long what was told to stop may take. */
const STOPPING_MS = 90_000;

/** Takes drills of one pool, so many at a time, and backups, one at a time, until it is drained. */
export function startWorker(options: WorkerOptions, ports: WorkerPorts): RunningWorker {
  const graceOver = new AbortController();
  const startedAt = ports.now().toISOString();
  let state: Heartbeat['state'] = 'ready';
  const configOf = createConfigCache(ports.configs);
  let capacity: Heartbeat['capacity'];
  let taking: RunningTake | undefined;
  const beat = (): void => void ports.registry.beat(heartbeat()).catch(() => {});
  const running = createRunningDrills(ports, beat);
  const heartbeat = (): Heartbeat => ({
    ...ports.identity,
    pool: options.pool,
    concurrency: options.concurrency,
    ...(capacity && { capacity }),
    state,
    drills: running.list(),
    ...(taking && { taking }),
    started_at: startedAt,
    at: ports.now().toISOString(),
  });
  const context = { ports, running, configOf, graceOver: graceOver.signal };
  const consumer = ports.consumeDrills({
    pool: options.pool,
    concurrency: options.concurrency,
    handle: (delivery, lockLost) =>
      inContext(contextOf(delivery), () => deliver(context, delivery, lockLost)),
    onError: (error) => ports.logger.error('the queue of drills', error),
  });
  const takes = ports.consumeTakes({
    pool: options.pool,
    handle: (job, lockLost) => {
      const onChange = (now: RunningTake | undefined): void => {
        taking = now;
        beat();
      };
      const takingContext = { ports, configOf, onChange, graceOver: graceOver.signal };
      return inContext(contextOf(job), () => deliverTake(takingContext, job, lockLost));
    },
    onError: (error) => ports.logger.error('the queue of takes', error),
  });
  const looks = createLookAnswerer(ports, options.pool, configOf);
  const catalogues = createCatalogueAnswerer(ports, options.pool, configOf);
  const lookAndBeat = async (): Promise<void> => {
    capacity = await hostCapacity(ports, configOf).catch(() => undefined);
    beat();
  };
  const timers = [
    setInterval(() => void lookAndBeat(), BEAT_MS).unref(),
    setInterval(() => void lookForCancels(ports, running), LOOK_MS).unref(),
    setInterval(() => void looks.answer(), ANSWER_MS).unref(),
    setInterval(() => void catalogues.answer(), ANSWER_MS).unref(),
  ];
  let listening: Promise<Subscription> | undefined;
  const ready = (async () => {
    listening = ports.states.onCancel(running.cancel);
    await Promise.all([listening, consumer.ready, takes.ready, lookAndBeat()]);
    ports.logger.info('ready', { pool: options.pool, concurrency: options.concurrency });
  })();

  const drain = async (): Promise<void> => {
    state = 'draining';
    beat();
    ports.logger.info(stopping(running.ids().length, taking === undefined ? 0 : 1), {
      grace_ms: options.graceMs,
    });
    const closed = Promise.all([consumer.close(), takes.close(), looks.stop(), catalogues.stop()]);
    const grace = setTimeout(() => graceOver.abort(), options.graceMs);
    const ended = await within(options.graceMs + STOPPING_MS, closed);
    clearTimeout(grace);
    for (const timer of timers) clearInterval(timer);
    if (!ended) ports.logger.error('a drill or a take did not stop, and is left to other workers');
    await (await listening?.catch(() => undefined))?.close();
    await ports.registry.leave(ports.identity.worker).catch(() => {});
  };
  let draining: Promise<void> | undefined;
  return {
    ready,
    drain: () => {
      draining ??= drain();
      return draining;
    },
  };
}

function stopping(drills: number, takes: number): string {
  const what = [counted(drills, 'drill'), counted(takes, 'take')].flat().join(' and ');
  return what === '' ? 'stopping' : `${what} to finish; Ctrl-C or SIGTERM again ends at once`;
}

const counted = (count: number, what: string): readonly string[] =>
  count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`];

/** Of the host that scratches of the configuration in force run on; undefined where there is none yet. */
async function hostCapacity(
  { configs, capacity }: WorkerPorts,
  configOf: (digest: string) => Promise<Config | undefined>,
): Promise<Heartbeat['capacity']> {
  const inForce = await configs.inForce();
  const config = inForce && (await configOf(inForce.digest));
  if (config === undefined) return undefined;
  const { hostId, memoryBytes, memoryFreeBytes, diskFreeBytes, pids } = await capacity(
    config,
    AbortSignal.timeout(BEAT_MS),
  );
  return {
    host_id: hostId,
    memory_bytes: memoryBytes,
    ...(memoryFreeBytes !== undefined && { memory_free_bytes: memoryFreeBytes }),
    ...(diskFreeBytes !== undefined && { disk_free_bytes: diskFreeBytes }),
    ...(pids !== undefined && { pids }),
  };
}

async function lookForCancels({ states }: WorkerPorts, running: RunningDrills): Promise<void> {
  for (const drillId of running.ids()) {
    const cancelled = await states.cancelRequested(drillId).catch(() => false);
    if (cancelled) running.cancel(drillId);
  }
}

/** True if `work` ended in time. */
async function within(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const ended = await Promise.race([work.then(() => true), limit]);
  clearTimeout(timer);
  return ended;
}
