import { isReason, REASONS, type Reason } from './reason.js';

/**
 * Faults that end a command before there is a drill to write a receipt for.
 * Together with {@link Reason} they are every code that Muster can report.
 */
export type CommandCode =
  | 'usage'
  | 'config_not_found'
  | 'config_invalid'
  | 'not_supported_yet'
  | 'key_unreadable'
  | 'key_invalid'
  | 'key_exists'
  | 'evidence_unwritable'
  | 'evidence_exists'
  | 'evidence_not_found'
  | 'evidence_malformed'
  | 'state_unwritable'
  | 'redis_unavailable'
  | 'redis_unsuitable'
  | 'index_unavailable'
  | 'producer_unavailable'
  | 'drill_not_found'
  | 'address_unavailable'
  | 'tokens_missing'
  | 'api_unavailable'
  | 'api_refused'
  | 'take_unwritable'
  | 'take_exists'
  | 'no_space'
  | 'take_overrun'
  | 'lease_lost'
  | 'take_not_found'
  | 'take_failed'
  | 'source_not_quiet'
  | 'tool_missing'
  | 'stanza_missing'
  | 'archiving_failed'
  | 'target_unreachable'
  | 'target_not_empty'
  | 'target_older'
  | 'target_read_only'
  | 'target_rights_missing'
  | 'target_in_use'
  | 'target_lost'
  | 'role_missing'
  | 'name_not_typed'
  | 'rehearsal_unready'
  | 'internal';

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
