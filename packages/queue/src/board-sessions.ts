import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';

/**
 * Who looks at the queues with a browser: `muster:board-session:<digest>`, for 12 h from the start. Any API of the fleet
 * knows the sessions that another began. Only digests are kept: whoever reads Redis cannot take over a session.
 * Every method throws `redis_unavailable` within 10 s.
 */
export interface BoardSessions {
  /** @returns the session's id: 256 bits that nobody guesses, for its holder alone. */
  begin(holder: string): Promise<string>;
  /** What {@link begin} was told; undefined where there is none (any more). */
  holder(id: string): Promise<string | undefined>;
  end(id: string): Promise<void>;
}

export const SESSION_SECONDS = 12 * 60 * 60;
const keyOf = (id: string): string =>
  `${PREFIX}:board-session:${createHash('sha256').update(id).digest('hex')}`;

/** Over a connection for commands. */
export function createBoardSessions(redis: Redis): BoardSessions {
  const begin = async (holder: string): Promise<string> => {
    const id = randomBytes(32).toString('base64url');
    await redis.set(keyOf(id), holder, 'EX', SESSION_SECONDS);
    return id;
  };
  return {
    begin: (holder) => orUnavailable(begin(holder), 'beginning a session'),
    holder: (id) =>
      orUnavailable(
        redis.get(keyOf(id)).then((holder) => holder ?? undefined),
        'looking for a session',
      ),
    end: (id) =>
      orUnavailable(
        redis.del(keyOf(id)).then(() => undefined),
        'ending a session',
      ),
  };
}
