import { type Config, MusterError, poolsOf, type Source } from '@muster/core';
import type { ApiPorts } from './api-ports.js';
import { Refusal } from './problem.js';

/** @throws `producer_unavailable`, `redis_unavailable`. */
export async function configInForce({ inForce }: Pick<ApiPorts, 'inForce'>): Promise<Config> {
  const config = await inForce();
  if (config !== undefined) return config;
  throw new MusterError(
    'producer_unavailable',
    'No configuration is in force in this fleet: start muster producer.',
  );
}

export function sourceOf({ sources }: Config, slug: string, status: 400 | 404): Source {
  const source = sources.find((one) => one.slug === slug);
  if (source !== undefined) return source;
  throw new Refusal(status, 'unknown_source', `The configuration in force has no source "${slug}".`);
}

/** One that jobs may leave again: each that was ever named has a queue, and a line in the metrics, from then on. */
export async function requirePool(
  { registry }: Pick<ApiPorts, 'registry'>,
  config: Config,
  pool: string,
): Promise<void> {
  if (poolsOf(config).has(pool)) return;
  if ((await registry.list()).some((worker) => worker.pool === pool)) return;
  throw new Refusal(400, 'unknown_pool', `No source is of the pool "${pool}", and no worker of it lives.`);
}
