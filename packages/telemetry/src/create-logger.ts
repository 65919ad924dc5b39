import { isMusterError } from '@muster/core';
import { pino } from 'pino';
import type { LogFields, Logger } from './logger.js';
import { prettyLine } from './pretty-line.js';
import { redact } from './redact.js';
import { activeTraceId } from './tracing.js';

/** The least that is said; `debug` adds stacks to errors that are not Muster's own. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** `producer`, `worker`, `sink`. */
  readonly service: string;
  /** Absent = `info`. */
  readonly level?: LogLevel | undefined;
  /** Absent = stderr, which is written at once: a last line before the exit is not lost. */
  readonly stream?: { write(text: string): unknown } | undefined;
  /** A line for people, in place of JSON. */
  readonly pretty: boolean;
  /** Only with `pretty`. Absent = false. */
  readonly color?: boolean | undefined;
  /** Absent = the clock. */
  readonly now?: (() => Date) | undefined;
}

/**
 * Logs lines of JSON: `level` as a word, `time` (RFC 3339), `service`, the `trace_id` where it belongs to a trace, the
 * fields, `msg`; of an error its `code` and its message as `error`, where the error is a MusterError, else only its name, for other messages may hold secrets.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { service, level = 'info', stream = process.stderr, pretty, color = false } = options;
  const now = options.now ?? (() => new Date());
  const write = (line: string): void => {
    stream.write(pretty ? prettyLine(JSON.parse(line), color) : line);
  };
  const log = pino(
    {
      level,
      base: { service: redact(service) },
      mixin: traceFields,
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  const withStack = log.isLevelEnabled('debug');

  const saying = (bound: LogFields): Logger => ({
    info: (message, fields) => log.info(redacted({ ...bound, ...fields }), redact(message)),
    warn: (message, fields) => log.warn(redacted({ ...bound, ...fields }), redact(message)),
    error: (message, error, fields) =>
      log.error(redacted({ ...bound, ...fields, ...errorFields(error, withStack) }), redact(message)),
    child: (fields) => saying({ ...bound, ...fields }),
  });
  return saying({});
}

function traceFields(): { readonly trace_id?: string } {
  const traceId = activeTraceId();
  return traceId === undefined ? {} : { trace_id: traceId };
}

function redacted(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );
}

function errorFields(error: unknown, withStack: boolean): LogFields {
  if (error === undefined) return {};
  if (isMusterError(error)) return { code: error.code, error: error.message };
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: error.name, ...(withStack && { stack: framesOf(error) }) };
}

/** Without its first lines, which repeat the message. */
function framesOf({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return frames.map((line) => line.trim()).join('\n');
}
