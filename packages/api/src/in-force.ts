import { type Config, MusterError, type Source } from '@muster/core';
import { createConfigCache } from '@muster/queue';
import type { ApiPorts } from './api-ports.js';
import { Refusal } from './problem.js';

/** What the producer put in force, parsed once. @throws `producer_unavailable`, `redis_unavailable`. */
export function createInForce(configs: ApiPorts['configs']): () => Promise<Config> {
  const configOf = createConfigCache(configs);
  return async () => {
    const inForce = await configs.inForce();
    const config = inForce && (await configOf(inForce.digest));
    if (config !== undefined) return config;
    throw new MusterError(
      'producer_unavailable',
      'No configuration is in force in this fleet: start muster producer.',
    );
  };
}

export function sourceOf({ sources }: Config, slug: string, status: 400 | 404): Source {
  const source = sources.find((one) => one.slug === slug);
  if (source !== undefined) return source;
  throw new Refusal(status, 'unknown_source', `The configuration in force has no source "${slug}".`);
}
