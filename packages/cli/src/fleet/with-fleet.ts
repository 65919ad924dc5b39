import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { type FleetQueues, openQueues } from './fleet-queues.js';
import { type KnownConfig, knownConfig } from './known-config.js';
import { requireRedis } from './redis-place.js';

/** A fleet as a command sees it. */
export interface Fleet {
  readonly loaded: KnownConfig;
  readonly queues: FleetQueues;
}

const BY_API = ' Or name its API with MUSTER_API_URL and MUSTER_API_TOKEN.';

/** Runs a command's work against the fleet that its configuration names, and lets go of it on every path. */
export function withFleet(
  cli: Cli,
  work: (fleet: Fleet, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  return interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const loaded = await knownConfig(cli);
      const queues = openQueues(requireRedis(await loaded.redis(), BY_API), 'foreground');
      try {
        return await work({ loaded, queues }, signal);
      } finally {
        await queues.close();
      }
    },
  );
}
