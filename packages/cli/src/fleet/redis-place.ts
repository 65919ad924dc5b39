import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, MusterError } from '@muster/core';
import type { Environment } from '../environment.js';
import { runtimeDirectory, stateDirectory } from '../places.js';
import { resolveSecret } from '../resolve-secret.js';

/** Where `muster up` has its own Redis: short, for a socket's path must be; one for each state directory. */
export function embeddedRedisDirectory(environment: Environment): string {
  const name = createHash('sha256').update(stateDirectory(environment)).digest('hex').slice(0, 8);
  return join(runtimeDirectory(environment), `up-${name}`);
}

export const embeddedRedisSocket = (environment: Environment): string =>
  join(embeddedRedisDirectory(environment), 'redis.sock');

/** The Redis that the configuration or the environment names; undefined where none does. @throws `secret_unavailable`. */
export async function namedRedis(
  environment: Environment,
  config: Config | undefined,
): Promise<string | undefined> {
  const ref = config?.redis.url;
  if (ref !== undefined) return await resolveSecret(ref, environment.env);
  return environment.env['MUSTER_REDIS_URL'] || undefined;
}

/** The Redis that is named, else that of a `muster up` on this machine; undefined where there is neither. @throws `secret_unavailable`. */
export async function findRedis(
  environment: Environment,
  config: Config | undefined,
): Promise<string | undefined> {
  const named = await namedRedis(environment, config);
  if (named !== undefined) return named;
  const socket = embeddedRedisSocket(environment);
  return await access(socket).then(
    () => `unix:${socket}`,
    () => undefined,
  );
}

/** The same, where there must be one. @throws `redis_unavailable`, `secret_unavailable`. */
export async function fleetRedis(environment: Environment, config: Config | undefined): Promise<string> {
  return requireRedis(await findRedis(environment, config));
}

/** @throws `redis_unavailable` where none was found; `more` is what else there is to do. */
export function requireRedis(found: string | undefined, more = ''): string {
  if (found !== undefined) return found;
  throw new MusterError(
    'redis_unavailable',
    `No fleet runs here: start one with \`muster up\`, or name its Redis with redis.url or MUSTER_REDIS_URL.${more}`,
  );
}
