import { sha256 } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

/** How long an answer counts. */
const FRESH_S = 60;
/** Whoever asked has gone by then. */
const WANTED_S = 60;

/** A question that a worker was asked. */
export interface Asked<Task> {
  /** Where its answer is awaited. */
  readonly digest: string;
  readonly task: Task;
}

/**
 * Questions about what only workers reach: asked in `muster:<name>s:<pool>`, answered under `muster:<name>:<digest of the
 * question>` for a minute. They are stored nowhere else. @throws `redis_unavailable`.
 */
export interface Questions<Task, Answer> {
  /** Asks whichever worker of the pool is first. What was asked within the last minute is not asked again. */
  ask(question: readonly string[], pool: string, task: Task): Promise<void>;
  /** What a worker answered within the last minute. */
  answer(question: readonly string[]): Promise<Answer | undefined>;
  /** The next that is asked of this pool, for whoever answers it. */
  next(pool: string): Promise<Asked<Task> | undefined>;
  tell(asked: Asked<Task>, answer: Answer): Promise<void>;
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Over a connection for commands. `what`: for messages. */
export function createQuestions<Task, Answer>(
  redis: Redis,
  { name, what }: { readonly name: string; readonly what: string },
  schemas: { readonly task: z.ZodType<Task>; readonly answer: z.ZodType<Answer> },
): Questions<Task, Answer> {
  const askedSchema = z.strictObject({ digest, task: schemas.task });
  const answerKey = (of: string): string => `${PREFIX}:${name}:${of}`;
  const askedKey = (of: string): string => `${PREFIX}:${name}-asked:${of}`;
  const queueKey = (pool: string): string => `${PREFIX}:${name}s:${pool}`;
  const digestOf = (question: readonly string[]): string =>
    sha256(JSON.stringify(question)).slice('sha256:'.length);

  const ask = async (question: readonly string[], pool: string, task: Task): Promise<void> => {
    const of = digestOf(question);
    if ((await redis.set(askedKey(of), '', 'EX', WANTED_S, 'NX')) !== 'OK') return;
    const text = JSON.stringify(askedSchema.parse({ digest: of, task }));
    await redis.multi().rpush(queueKey(pool), text).expire(queueKey(pool), WANTED_S).exec();
  };
  const tell = async ({ digest: of }: Asked<Task>, answer: Answer): Promise<void> => {
    const text = JSON.stringify(schemas.answer.parse(answer));
    await redis.multi().set(answerKey(of), text, 'EX', FRESH_S).del(askedKey(of)).exec();
  };
  return {
    ask: (question, pool, task) => orUnavailable(ask(question, pool, task), `asking for a ${what}`),
    answer: (question) =>
      orUnavailable(
        redis.get(answerKey(digestOf(question))).then((text) => readJson(schemas.answer, text)),
        'reading what a worker saw',
      ),
    next: (pool) =>
      orUnavailable(
        redis.lpop(queueKey(pool)).then((text) => readJson(askedSchema, text)),
        'looking for what is asked of a pool',
      ),
    tell: (asked, answer) => orUnavailable(tell(asked, answer), 'telling what was seen'),
  };
}
