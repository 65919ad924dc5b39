import { setTimeout as delay } from 'node:timers/promises';
import { type Config, poolsOf } from '@muster/core';
import { DEFAULT_POOL, type WorkerRegistry } from '@muster/queue';
import type { Logger } from '@muster/telemetry';
import type { WorkerProcess } from './worker-process.js';

/** So often it is seen whether a worker that was started has joined the fleet. */
const JOINING_MS = 100;

export interface PoolWorkersPorts {
  readonly inForce: () => Promise<Config | undefined>;
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly start: (pool: string) => WorkerProcess;
  /**
   * False where other hosts may reach the Redis: a pool is then where its backups are, and a worker here that took its drills
   * would find none.
   */
  readonly isAlone: boolean;
  readonly logger: Logger;
}

/** The workers of a `muster up`, one for each pool. */
export interface PoolWorkers {
  /** Starts those that are missing, and says once of each pool that nobody serves. Never throws. */
  look(): Promise<void>;
  /** Resolves when all that were started are among the fleet's workers, or when `signal` aborts. Never throws. */
  joined(signal: AbortSignal): Promise<void>;
  /** Lets all end what they run; resolves when they are gone. */
  stop(): Promise<void>;
}

/**
 * The pool `default`; and where this fleet is alone, whatever pools the sources in force are of, or are taken by. A pool that is gone from
 * the configuration is served on: drills of it may wait.
 */
export function createPoolWorkers({
  inForce,
  registry,
  start,
  isAlone,
  logger,
}: PoolWorkersPorts): PoolWorkers {
  const workers = new Map([[DEFAULT_POOL, start(DEFAULT_POOL)]]);
  const unserved = new Set<string>();
  let isStopping = false;
  const lookAgain = async (): Promise<void> => {
    const pools = poolsOf(await inForce());
    const missing = [...pools].filter((pool) => !workers.has(pool));
    if (isStopping) return;
    if (isAlone) for (const pool of missing) workers.set(pool, start(pool));
    else if (missing.length > 0)
      sayUnserved(missing, new Set((await registry.list()).map(({ pool }) => pool)));
  };
  const sayUnserved = (pools: readonly string[], served: ReadonlySet<string>): void => {
    for (const pool of pools) {
      if (served.has(pool)) unserved.delete(pool);
      else if (!unserved.has(pool)) {
        unserved.add(pool);
        logger.warn(
          'no worker serves this pool: start muster worker --pool, on the host that has its backups',
          {
            pool,
          },
        );
      }
    }
  };
  const areServed = async (): Promise<boolean> => {
    const served = new Set((await registry.list()).map(({ pool }) => pool));
    return [...workers.keys()].every((pool) => served.has(pool));
  };
  return {
    look: () =>
      lookAgain().catch((error: unknown) => logger.error('the pools in force could not be looked at', error)),
    joined: async (signal) => {
      while (!signal.aborted && !(await areServed().catch(() => false)))
        await delay(JOINING_MS, undefined, { signal }).catch(() => undefined);
    },
    stop: async () => {
      isStopping = true;
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
    },
  };
}
