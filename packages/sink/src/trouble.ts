import { isMusterError } from '@muster/core';
import type { LogFields, Logger } from '@muster/telemetry';

/** Whoever looks at a log that was turned over meanwhile finds it, too. */
const AGAIN_MS = 10 * 60_000;
const MOST_KINDS = 100;

/**
 * Logs what keeps receipts from being kept: each kind once, and again every 10 min while it lasts. Whatever faces every
 * receipt would else be said for each of them, each time that it comes again.
 */
export function createTrouble(
  logger: Logger,
  now: () => Date,
): (message: string, error: unknown, fields?: LogFields) => void {
  const told = new Map<string, number>();
  return (message, error, fields) => {
    const kind = isMusterError(error) ? `${error.code} ${error.message}` : String(error);
    const last = told.get(kind);
    if (last !== undefined && now().getTime() - last < AGAIN_MS) return;
    // Messages that are never the same must not fill the memory.
    if (told.size >= MOST_KINDS) told.clear();
    told.set(kind, now().getTime());
    logger.error(message, error, fields);
  };
}
