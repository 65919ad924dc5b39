import type { CommandCode } from './command-code.js';
import { isReason, REASONS, type Reason } from './reason.js';

/** Every code that Muster can report. */
export type ErrorCode = Reason | CommandCode;

/** Exit code of a command that ends with one of these: 64 usage or configuration, else 2. */
export const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'usage',
  'config_not_found',
  'config_invalid',
  'not_supported_yet',
]);

/**
 * The one error class of Muster.
 *
 * `message` says what happened, to what, and what to do now; it is shown to people and may be logged, so it
 * never holds a credential, a connection string, the text of a check or data of a customer. `output` is for
 * the worker's own diagnosis file alone (what a tool or server printed) and is never logged.
 */
export class MusterError extends Error {
  override readonly name = 'MusterError';
  readonly code: ErrorCode;
  readonly output: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly output?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.output = options.output;
  }
}

/** True if `error` is a {@link MusterError}, with this code where one is given. */
export function isMusterError(error: unknown, code?: ErrorCode): error is MusterError {
  return error instanceof MusterError && (code === undefined || error.code === code);
}

/** True for evidence against the backup: a {@link MusterError} whose code is a reason to fail. */
export function isEvidence(error: unknown): error is MusterError {
  return isMusterError(error) && isReason(error.code) && REASONS[error.code].result === 'fail';
}
