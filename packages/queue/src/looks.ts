import { type Look, lookSchema, type Plan, planSchema } from '@muster/core';
import type { Redis } from 'ioredis';
import { createQuestions } from './questions.js';

/**
 * Looks at the backup that the next drill of a source would take, which only workers reach. Plans of looks are stored
 * nowhere else, and no drill comes of them. @throws `redis_unavailable`.
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

/** Over a connection for commands. */
export function createLooks(redis: Redis): Looks {
  const asking = createQuestions(
    redis,
    { name: 'look', what: 'look' },
    { task: planSchema, answer: lookSchema },
  );
  const wordsOf = ({ configSha256, source, schedule = '' }: LookQuestion) => [configSha256, source, schedule];
  return {
    ask: (question, plan) => asking.ask(wordsOf(question), plan.pool, plan),
    answer: (question) => asking.answer(wordsOf(question)),
    next: async (pool) => {
      const asked = await asking.next(pool);
      return asked && { digest: asked.digest, plan: asked.task };
    },
    tell: ({ digest, plan: task }, { message: _, ...look }) => asking.tell({ digest, task }, look),
  };
}
