import { type Config, parseConfig } from '@muster/core';
import type { ConfigStore } from './config-store.js';

const KEPT = 8;

/** Configurations by digest, parsed once: they never change. Undefined where Redis has it no more. */
export function createConfigCache(
  configs: Pick<ConfigStore, 'get'>,
): (digest: string) => Promise<Config | undefined> {
  const known = new Map<string, Config>();
  return async (digest) => {
    const cached = known.get(digest);
    if (cached !== undefined) return cached;
    const document = await configs.get(digest);
    if (document === undefined) return undefined;
    const parsed = parseConfig(document.text, { file: digest, baseDirectory: document.directory });
    if (!parsed.ok || parsed.config.configSha256 !== digest) return undefined;
    known.set(digest, parsed.config);
    const [oldest] = known.keys();
    if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
    return parsed.config;
  };
}

/** What the producer put in force, parsed once. Undefined where there is none. @throws `redis_unavailable`. */
export function createConfigInForce(
  configs: Pick<ConfigStore, 'inForce' | 'get'>,
): () => Promise<Config | undefined> {
  const configOf = createConfigCache(configs);
  return async () => {
    const inForce = await configs.inForce();
    return inForce && (await configOf(inForce.digest));
  };
}
