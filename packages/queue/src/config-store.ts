import { randomUUID } from 'node:crypto';
import { type ConfigFault, MusterError, type Sha256 } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { openRedis, orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';
import { type Subscription, subscribe } from './subscription.js';

/** A configuration as it travels: what `parseConfig` reads again on a worker, with no file at hand. */
export interface ConfigDocument {
  /** `config_sha256`. */
  readonly digest: Sha256;
  /** The file's document as JSON (which is YAML too); references to secrets, never secrets. */
  readonly text: string;
  /** Absolute: relative paths of the document are relative to it. */
  readonly directory: string;
}

/** Where the configuration in force came from. */
export type ConfigOrigin =
  | { readonly type: 'file' }
  /** Pushed, while the producer's own file had this digest: it stays in force until that file changes. */
  | { readonly type: 'push'; readonly fileDigest: Sha256 };

export interface ConfigInForce {
  readonly digest: Sha256;
  readonly origin: ConfigOrigin;
}

export type PushAnswer =
  | { readonly type: 'accepted'; readonly digest: Sha256 }
  | { readonly type: 'refused'; readonly faults: readonly ConfigFault[] };

/** Configurations by digest, `muster:config:<hex>`. The producer is the only writer. @throws `redis_unavailable`. */
export interface ConfigStore {
  /** Puts it in force; the one before it stays readable for 30 days, for the drills that were asked under it. */
  enforce(document: ConfigDocument, origin: ConfigOrigin): Promise<void>;
  inForce(): Promise<ConfigInForce | undefined>;
  get(digest: string): Promise<ConfigDocument | undefined>;

  /** Proposes a configuration to the producer. @throws `producer_unavailable` where none answers within 15 s. */
  push(document: ConfigDocument, signal: AbortSignal): Promise<PushAnswer>;
  /** Answers proposals, one at a time; resolves when it listens. */
  onPush(answer: (proposed: ConfigDocument) => Promise<PushAnswer>): Promise<Subscription>;
}

const CURRENT = `${PREFIX}:config:current`;
const PUSHES = `${PREFIX}:config:pushes`;
const DAYS_30_S = 30 * 24 * 60 * 60;
const ANSWER_S = 15;
const bodyKey = (digest: string): string => `${PREFIX}:config:${digest.replace('sha256:', '')}`;
/** Holds check texts, and so lies where configurations do. */
const proposalKey = (nonce: string): string => `${PREFIX}:config:proposed:${nonce}`;
const answerKey = (nonce: string): string => `${PREFIX}:config:answer:${nonce}`;

const digestSchema = z.custom<Sha256>(
  (value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value),
);
const documentSchema = z.strictObject({ digest: digestSchema, text: z.string(), directory: z.string() });
const inForceSchema = z.strictObject({
  digest: digestSchema,
  origin: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('file') }),
    z.strictObject({ type: z.literal('push'), fileDigest: digestSchema }),
  ]),
});
const answerSchema: z.ZodType<PushAnswer> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('accepted'), digest: digestSchema }),
  z.strictObject({
    type: z.literal('refused'),
    faults: z.array(z.custom<ConfigFault>((value) => typeof value === 'object' && value !== null)),
  }),
]);

/** Over a connection for commands; what must wait opens its own to `redisUrl`. */
export function createConfigStore(redis: Redis, redisUrl: string): ConfigStore {
  const inForce = async (): Promise<ConfigInForce | undefined> =>
    readJson<ConfigInForce>(inForceSchema, await redis.get(CURRENT));
  const get = async (digest: string): Promise<ConfigDocument | undefined> =>
    readJson<ConfigDocument>(documentSchema, await redis.get(bodyKey(digest)));
  const enforce = async (document: ConfigDocument, origin: ConfigOrigin): Promise<void> => {
    const before = await inForce();
    const change = redis
      .multi()
      .set(bodyKey(document.digest), JSON.stringify(documentSchema.parse(document)));
    if (before !== undefined && before.digest !== document.digest)
      change.expire(bodyKey(before.digest), DAYS_30_S);
    const current: ConfigInForce = { digest: document.digest, origin };
    await change.set(CURRENT, JSON.stringify(current)).exec();
  };
  return {
    enforce: (document, origin) =>
      orUnavailable(enforce(document, origin), 'putting a configuration in force'),
    inForce: () => orUnavailable(inForce(), 'reading which configuration is in force'),
    get: (digest) => orUnavailable(get(digest), 'reading a configuration'),
    push: (document, signal) =>
      orUnavailable(push(redis, redisUrl, document, signal), 'pushing a configuration'),
    onPush: (answer) => onPush(redis, redisUrl, answer),
  };
}

async function push(
  redis: Redis,
  redisUrl: string,
  document: ConfigDocument,
  signal: AbortSignal,
): Promise<PushAnswer> {
  const nonce = randomUUID();
  const cancelled = () => new MusterError('cancelled', 'Pushing the configuration was cancelled.');
  if (signal.aborted) throw cancelled();
  await redis.set(proposalKey(nonce), JSON.stringify(documentSchema.parse(document)), 'EX', 2 * ANSWER_S);
  const waiting = openRedis(redisUrl, 'blocking');
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_S * 1000)]);
  const over = new Promise<null>((resolve) => {
    limit.addEventListener('abort', () => resolve(null), { once: true });
    if (limit.aborted) resolve(null);
  });
  try {
    const listeners = await redis.publish(PUSHES, nonce);
    const answered = waiting.blpop(answerKey(nonce), ANSWER_S).catch(() => null);
    const answer = listeners === 0 ? null : await Promise.race([answered, over]);
    if (answer !== null) return answerSchema.parse(JSON.parse(answer[1]));
    if (signal.aborted) throw cancelled();
    throw new MusterError(
      'producer_unavailable',
      'No producer took the configuration: see whether one runs on this Redis, then push again.',
    );
  } finally {
    waiting.disconnect();
    // It ends by itself as well: whoever waits has the answer.
    redis.del(proposalKey(nonce)).catch(() => {});
  }
}

function onPush(
  redis: Redis,
  redisUrl: string,
  answer: (proposed: ConfigDocument) => Promise<PushAnswer>,
): Promise<Subscription> {
  let last: Promise<void> = Promise.resolve();
  const take = async (nonce: string): Promise<void> => {
    // Of several producers, one gets it.
    const proposed = readJson(documentSchema, await redis.getdel(proposalKey(nonce)));
    if (proposed === undefined) return;
    const said = JSON.stringify(await answer(proposed));
    await redis
      .multi()
      .rpush(answerKey(nonce), said)
      .expire(answerKey(nonce), 2 * ANSWER_S)
      .exec();
  };
  return subscribe(redisUrl, PUSHES, (nonce) => {
    // Whoever pushed hears of a fault by the silence.
    last = last.then(() => take(nonce)).catch(() => {});
  });
}
