import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';

/** What one drill, or take, at a time may have, across hosts. A holder that dies loses it within {@link LEASE_MS}. */
export interface Leases {
  /** Undefined where another holds it. The same holder gets it again. @throws `redis_unavailable`. */
  acquire(name: string, holder: string): Promise<Lease | undefined>;
  /** Undefined where nobody holds it. @throws `redis_unavailable`. */
  holder(name: string): Promise<string | undefined>;
}

export interface Lease {
  /** Renewed by itself until then. Idempotent, never throws. */
  release(): Promise<void>;
}

export const LEASE_MS = 30_000;

/** The value is `<holder> <nonce>`: the same holder takes it again, and its own earlier self cannot give that back. */
const ACQUIRE = `
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1`;
const IF_HELD = (command: string): string =>
  `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call(${command}) end return 0`;
const RENEW = IF_HELD("'PEXPIRE', KEYS[1], ARGV[2]");
const RELEASE = IF_HELD("'DEL', KEYS[1]");

/** Over a connection for commands. */
export function createLeases(redis: Redis): Leases {
  return {
    acquire: (name, holder) => orUnavailable(acquire(redis, name, holder), 'taking a lease'),
    holder: (name) =>
      orUnavailable(
        redis.get(keyOf(name)).then((held) => held?.slice(0, held.lastIndexOf(' '))),
        'looking who has a lease',
      ),
  };
}

const keyOf = (name: string): string => `${PREFIX}:lease:${name}`;

async function acquire(redis: Redis, name: string, holder: string): Promise<Lease | undefined> {
  const key = keyOf(name);
  const nonce = randomUUID();
  if ((await redis.eval(ACQUIRE, 1, key, holder, nonce, LEASE_MS)) !== 1) return undefined;
  const token = `${holder} ${nonce}`;
  return renewed(
    () => redis.eval(RENEW, 1, key, token, LEASE_MS),
    () => redis.eval(RELEASE, 1, key, token),
  );
}

/** Something in Redis that ends by itself unless it is renewed, until it is released. */
export function renewed(renew: () => Promise<unknown>, release: () => Promise<unknown>): Lease {
  const timer = setInterval(() => void renew().catch(ignoreOutage), LEASE_MS / 3).unref();
  let released: Promise<void> | undefined;
  return {
    release: () => {
      clearInterval(timer);
      released ??= release().then(() => undefined, ignoreOutage);
      return released;
    },
  };
}

/** Where Redis does not answer, it ends by itself. */
const ignoreOutage = (): void => {};
