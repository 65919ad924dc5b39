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

/** The fleet's Redis: the one that is named, else that of a `muster up` on this machine. @throws `redis_unavailable`. */
export async function fleetRedis(environment: Environment, config: Config | undefined): Promise<string> {
  const named = await namedRedis(environment, config);
  if (named !== undefined) return named;
  const socket = embeddedRedisSocket(environment);
  try {
    await access(socket);
    return `unix:${socket}`;
  } catch (cause) {
    throw new MusterError(
      'redis_unavailable',
      'No fleet runs here: start one with `muster up`, or name its Redis with redis.url or MUSTER_REDIS_URL.',
      { cause },
    );
  }
}
