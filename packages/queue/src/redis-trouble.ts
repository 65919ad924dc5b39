import { MusterError } from '@muster/core';
import { placeOf, redisFault } from './redis-fault.js';

const EVERY_MS = 30_000;

/**
 * BullMQ tells of each command that came to nothing, many times a second where all do: passes each kind on once in 30 s,
 * in words for people.
 */
export function createTroubleTeller(
  redisUrl: string,
  tell: (error: Error) => void,
  now: () => number = Date.now,
): (error: Error) => void {
  const place = placeOf(redisUrl);
  const told = new Map<string, number>();
  return (error) => {
    const trouble = inWords(error, place);
    const last = told.get(trouble.message);
    if (last !== undefined && now() - last < EVERY_MS) return;
    // Messages that are never the same must not fill the memory.
    if (told.size > 100) told.clear();
    told.set(trouble.message, now());
    tell(trouble);
  };
}

function inWords(error: Error, place: string): Error {
  const fault = redisFault(error, place);
  return fault === undefined ? error : new MusterError('redis_unavailable', fault, { cause: error });
}
