import { MusterError } from '@muster/core';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { wantsColour } from '../terminal/style.js';

/** What a service says, on stderr: for people on a terminal, JSON elsewhere. @throws `usage` for an unknown level. */
export function serviceLogger({ environment, output }: Cli, service: string): Logger {
  return createLogger({
    service,
    level: levelOf(environment.env['MUSTER_LOG_LEVEL'] || 'info'),
    stream: output.stderr,
    pretty: output.stderr.isTTY === true,
    color: wantsColour(output.stderr, environment.env, true),
  });
}

/**
 * The log of a service that is the whole of this process: where its lines are JSON, there are no others on stderr.
 * @throws `usage` for an unknown level.
 */
export function processLogger(cli: Cli, service: string): Logger {
  const logger = serviceLogger(cli, service);
  if (cli.output.stderr.isTTY !== true) cli.output.logTo(logger);
  return logger;
}

function levelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text);
  if (level !== undefined) return level;
  throw new MusterError('usage', `MUSTER_LOG_LEVEL is one of ${LOG_LEVELS.join(', ')}.`);
}
