import { errnoOf } from '@muster/core';

const CORRECT = 'or correct redis.url or MUSTER_REDIS_URL';
const NO_HOST = `there is no host of that name: correct redis.url or MUSTER_REDIS_URL`;
const NO_WAY = `no way leads there: see to the network, ${CORRECT}`;

/** Why it is not reached and what to do, by the code of Node. */
const UNREACHED: Readonly<Record<string, string>> = {
  ECONNREFUSED: `nothing listens there: start it, ${CORRECT}`,
  ENOENT: `there is no such socket: start it, ${CORRECT}`,
  EACCES: 'this user may not open that socket: give them the permission',
  ENOTFOUND: NO_HOST,
  EAI_AGAIN: NO_HOST,
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  ETIMEDOUT: NO_WAY,
  ECONNRESET:
    'it closes the connection: see whether it runs, and whether TLS is spoken on both ends (rediss://) or on none',
};

/** What a person can do, by the first word of Redis' refusal. */
const REFUSED: Readonly<Record<string, string>> = {
  OOM: 'its memory is full, raise its maxmemory',
  READONLY: 'it is a replica, name its primary in redis.url',
  LOADING: 'it reads its data, and answers when that is done',
  MISCONF: 'it cannot write its file, its log says why',
  NOAUTH: 'it wants a password in redis.url or MUSTER_REDIS_URL',
  WRONGPASS: 'the user or password in redis.url or MUSTER_REDIS_URL is wrong',
  NOPERM: 'its user may not do that, give it all keys and channels of muster',
};

/**
 * What is wrong with the Redis at `place`, in words for people: nothing of what it said itself, which may hold a key or a
 * password. Undefined of an error that is not of reaching or asking it.
 */
export function redisFault(error: Error, place: string): string | undefined {
  const code = errnoOf(error);
  if (code !== undefined) {
    return `Redis at ${place} is not reached (${code}): ${UNREACHED[code] ?? 'see whether it runs'}.`;
  }
  const word = error.name === 'ReplyError' ? /^[A-Z]+/.exec(error.message)?.[0] : undefined;
  if (word === undefined) return undefined;
  return `Redis at ${place} refuses commands (${word}): ${REFUSED[word] ?? 'its log says why'}.`;
}

/** `host:port`, or the path of a socket. @param url one that can be read. */
export function placeOf(url: string): string {
  if (!/^rediss?:/.test(url)) return url.replace(/^unix:(\/\/)?/, '');
  const { hostname, port } = new URL(url);
  return `${hostname || 'localhost'}:${port || '6379'}`;
}
