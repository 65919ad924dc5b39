import { errnoOf, MusterError } from '@muster/core';

const EVERY_MS = 30_000;

/** What a person can do, by the first word of Redis' refusal. */
const ADVICE: Readonly<Record<string, string>> = {
  OOM: 'its memory is full, raise its maxmemory',
  READONLY: 'it is a replica, name its primary in redis.url',
  LOADING: 'it reads its data, and answers when that is done',
  MISCONF: 'it cannot write its file, its log says why',
  NOAUTH: 'it wants a password in redis.url',
  WRONGPASS: 'the password in redis.url is wrong',
  NOPERM: 'its user may not do that, give it all keys and channels of muster',
};

/**
 * BullMQ tells of each command that came to nothing, many times a second where all do: passes each kind on once in 30 s,
 * in words for people.
 */
export function createTroubleTeller(
  tell: (error: Error) => void,
  now: () => number = Date.now,
): (error: Error) => void {
  const told = new Map<string, number>();
  return (error) => {
    const trouble = inWords(error);
    const last = told.get(trouble.message);
    if (last !== undefined && now() - last < EVERY_MS) return;
    // Messages that are never the same must not fill the memory.
    if (told.size > 100) told.clear();
    told.set(trouble.message, now());
    tell(trouble);
  };
}

function inWords(error: Error): Error {
  const code = errnoOf(error);
  if (code !== undefined) return trouble(`Redis is not reached (${code}): see whether it runs.`, error);
  const word = error.name === 'ReplyError' ? /^[A-Z]+/.exec(error.message)?.[0] : undefined;
  if (word === undefined) return error;
  return trouble(`Redis refuses commands (${word}): ${ADVICE[word] ?? 'its log says why'}.`, error);
}

const trouble = (message: string, cause: Error): MusterError =>
  new MusterError('redis_unavailable', message, { cause });
