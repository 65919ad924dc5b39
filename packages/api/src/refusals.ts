import type { LogFields, Logger } from '@muster/telemetry';
import type { FastifyRequest } from 'fastify';
import { addressOf } from './address.js';
import { bearerIn } from './auth.js';

const WINDOW_MS = 60_000;
const MOST_OF_ONE = 10;
const MOST_ADDRESSES = 100;

/** Logs what was refused: `address` is whose it was, and nothing of a token is among `fields`. */
export type TellRefusal = (message: string, address: string, fields?: LogFields) => void;

/**
 * Within a minute 10 lines of one address and 100 addresses at the most, so that nobody floods the log by being refused;
 * how many were left out is said with the first of another minute.
 */
export function createRefusals(logger: Logger, now: () => Date): TellRefusal {
  let beganAt = Number.NEGATIVE_INFINITY;
  let leftOut = 0;
  const told = new Map<string, number>();
  return (message, address, fields) => {
    if (now().getTime() - beganAt >= WINDOW_MS) {
      if (leftOut > 0) logger.warn('of what was refused, some is not in this log', { left_out: leftOut });
      beganAt = now().getTime();
      leftOut = 0;
      told.clear();
    }
    const before = told.get(address) ?? 0;
    if (before >= MOST_OF_ONE || (before === 0 && told.size >= MOST_ADDRESSES)) {
      leftOut += 1;
      return;
    }
    told.set(address, before + 1);
    logger.warn(message, { address, ...fields });
  };
}

/** Of a request that brought a token: to bring none is no attempt at anything. */
export function tellUnknownToken(tellRefusal: TellRefusal, request: FastifyRequest, route: string): void {
  if (bearerIn(request.headers.authorization) === undefined) return;
  tellRefusal('a token that is not known', addressOf(request), { route });
}
