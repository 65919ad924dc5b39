import { randomUUID } from 'node:crypto';
import { MusterError } from '@muster/core';
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
  /**
   * Aborts when another may have it: another holds it, or it was not renewed within {@link LEASE_MS}. Its reason is
   * `lease_lost`. Whoever works under the lease stops then; never once it was released.
   */
  readonly lost: AbortSignal;
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
/** What Redis forgot, as by a restart, is had again while nobody else has it. */
const RENEW = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** Over a connection for commands. `lifeMs`: of a lease that nobody renews. */
export function createLeases(redis: Redis, lifeMs = LEASE_MS): Leases {
  return {
    acquire: (name, holder) => orUnavailable(acquire(redis, name, holder, lifeMs), 'taking a lease'),
    holder: (name) =>
      orUnavailable(
        redis.get(keyOf(name)).then((held) => held?.slice(0, held.lastIndexOf(' '))),
        'looking who has a lease',
      ),
  };
}

const keyOf = (name: string): string => `${PREFIX}:lease:${name}`;

async function acquire(
  redis: Redis,
  name: string,
  holder: string,
  lifeMs: number,
): Promise<Lease | undefined> {
  const key = keyOf(name);
  const nonce = randomUUID();
  const asked = performance.now();
  if ((await redis.eval(ACQUIRE, 1, key, holder, nonce, lifeMs)) !== 1) return undefined;
  const token = `${holder} ${nonce}`;
  const watch = watchLease(name, asked, lifeMs);
  const { release } = renewed(
    () => watch.renew(async () => (await redis.eval(RENEW, 1, key, token, lifeMs)) === 1),
    () => redis.eval(RELEASE, 1, key, token),
    lifeMs,
  );
  return {
    lost: watch.lost,
    release: () => {
      watch.end();
      return release();
    },
  };
}

/** Whether a lease that was asked for at `asked` (of `performance.now`) is held: by this clock its life ends before that in Redis. */
function watchLease(name: string, asked: number, lifeMs: number) {
  const lost = new AbortController();
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    ended = true;
    clearTimeout(timer);
  };
  const lose = (why: string): void => {
    if (ended) return;
    end();
    lost.abort(
      new MusterError(
        'lease_lost',
        `The lease "${name}" was lost: ${why}, so that another may work there now.`,
      ),
    );
  };
  const heldFrom = (at: number): void => {
    if (ended) return;
    clearTimeout(timer);
    const leftMs = Math.max(0, at + lifeMs - performance.now());
    timer = setTimeout(() => lose(`Redis did not renew it for ${lifeMs / 1000} s`), leftMs).unref();
  };
  heldFrom(asked);
  return {
    lost: lost.signal,
    end,
    renew: async (renew: () => Promise<boolean>): Promise<void> => {
      if (ended) return;
      const at = performance.now();
      if (await renew()) heldFrom(at);
      else lose('another took it');
    },
  };
}

/** Something in Redis that ends by itself unless it is renewed, until it is released. */
export function renewed(
  renew: () => Promise<unknown>,
  release: () => Promise<unknown>,
  lifeMs = LEASE_MS,
): Pick<Lease, 'release'> {
  const timer = setInterval(() => void renew().catch(ignoreOutage), lifeMs / 3).unref();
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
