import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

/** What was asked for under a key that its client made up: `muster:idempotency:<key>`, for a day. */
export interface IdempotencyKeys {
  /**
   * Which drill the request with this key is: `drillId` for the first, and that of the first for all that come after it.
   * Undefined where the key came with another request before. @throws `redis_unavailable`.
   */
  claim(key: string, request: string, drillId: string): Promise<string | undefined>;
}

const DAY_S = 24 * 60 * 60;
const claimSchema = z.strictObject({ request: z.string(), drill_id: z.string() });

/** Over a connection for commands. `key` and `request` are digests: what clients say is kept nowhere. */
export function createIdempotencyKeys(redis: Redis): IdempotencyKeys {
  const claim = async (key: string, request: string, drillId: string): Promise<string | undefined> => {
    const name = `${PREFIX}:idempotency:${key}`;
    const mine = JSON.stringify(claimSchema.parse({ request, drill_id: drillId }));
    if ((await redis.set(name, mine, 'EX', DAY_S, 'NX')) === 'OK') return drillId;
    const first = readJson(claimSchema, await redis.get(name));
    return first?.request === request ? first.drill_id : undefined;
  };
  return {
    claim: (key, request, drillId) =>
      orUnavailable(claim(key, request, drillId), 'looking whether this was asked before'),
  };
}
