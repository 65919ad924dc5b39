import { type Look, lookSchema, type Plan, planSchema, sha256 } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

/**
 * Looks at the backups of a source, which only workers reach: asked in `muster:looks:<pool>`, answered under
 * `muster:look:<digest of the question>` for a minute. Plans of looks are stored nowhere else, and no drill comes of them.
 * @throws `redis_unavailable`.
 */
export interface Looks {
  /** Asks whichever worker of the plan's pool is first. What was asked within the last minute is not asked again. */
  ask(question: LookQuestion, plan: Plan): Promise<void>;
  /** What a worker saw within the last minute. */
  answer(question: LookQuestion): Promise<Look | undefined>;
  /** The next that is asked of this pool, for whoever answers it. */
  next(pool: string): Promise<AskedLook | undefined>;
  /** Without its message: that may repeat what a place or a server said. */
  tell(asked: AskedLook, look: Look): Promise<void>;
}

/** What a look is about; the same question has the same answer. */
interface LookQuestion {
  readonly configSha256: string;
  readonly source: string;
  /** Whose restore point it is; absent = the newest backup. */
  readonly schedule?: string | undefined;
}

export interface AskedLook {
  /** Where its answer is awaited. */
  readonly digest: string;
  readonly plan: Plan;
}

const FRESH_S = 60;
/** Whoever asked has gone by then. */
const WANTED_S = 60;

const askedSchema = z.strictObject({ digest: z.string().regex(/^[0-9a-f]{64}$/), plan: planSchema });
const answerKey = (digest: string): string => `${PREFIX}:look:${digest}`;
const askedKey = (digest: string): string => `${PREFIX}:look-asked:${digest}`;
const queueKey = (pool: string): string => `${PREFIX}:looks:${pool}`;

const digestOf = ({ configSha256, source, schedule = '' }: LookQuestion): string =>
  sha256(JSON.stringify([configSha256, source, schedule])).slice('sha256:'.length);

/** Over a connection for commands. */
export function createLooks(redis: Redis): Looks {
  const ask = async (question: LookQuestion, plan: Plan): Promise<void> => {
    const digest = digestOf(question);
    if ((await redis.set(askedKey(digest), '', 'EX', WANTED_S, 'NX')) !== 'OK') return;
    const text = JSON.stringify(askedSchema.parse({ digest, plan }));
    const key = queueKey(plan.pool);
    await redis.multi().rpush(key, text).expire(key, WANTED_S).exec();
  };
  const tell = async ({ digest }: AskedLook, { message: _, ...look }: Look): Promise<void> => {
    const text = JSON.stringify(lookSchema.parse(look));
    await redis.multi().set(answerKey(digest), text, 'EX', FRESH_S).del(askedKey(digest)).exec();
  };
  return {
    ask: (question, plan) => orUnavailable(ask(question, plan), 'asking for a look'),
    answer: (question) =>
      orUnavailable(
        redis.get(answerKey(digestOf(question))).then((text) => readJson(lookSchema, text)),
        'reading what a worker saw',
      ),
    next: (pool) =>
      orUnavailable(
        redis.lpop(queueKey(pool)).then((text) => readJson(askedSchema, text)),
        'looking for what is asked of a pool',
      ),
    tell: (asked, look) => orUnavailable(tell(asked, look), 'telling what was seen'),
  };
}
