export type { Check, Expectation, Literal, Operator } from './check.js';
export type * from './config/config.js';
export { type Sha256, sha256 } from './digest.js';
export { type CommandCode, type ErrorCode, isMusterError, MusterError, USAGE_CODES } from './error.js';
export { type Plan, planSchema } from './plan.js';
export { CHECK_REASONS, type CheckReason, isReason, REASONS, type Reason } from './reason.js';
export * from './statement.js';
export type { Answer, SummaryRow, SummaryValue } from './value.js';
export { type CheckVerdict, rollUp, type Verdict } from './verdict.js';
