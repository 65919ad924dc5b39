import type { Logger } from '@muster/telemetry';
import { ConfigFaults } from '../problem.js';

/** A line of the log for each fault of a configuration; of another error there are none. */
export function logFaults(logger: Logger, error: unknown): void {
  if (!(error instanceof ConfigFaults)) return;
  for (const { line, column, message } of error.faults)
    logger.error(`${error.file}:${line}:${column} ${message}`);
}
