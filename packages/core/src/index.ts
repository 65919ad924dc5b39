export { orAborted, orStuck, stopOnAbort } from './abort.js';
export * from './backup-record.js';
export * from './catalogue.js';
export type { Check, CheckRole, Expectation, Literal, Operator } from './check.js';
export { checkSha256, expectSha256 } from './check-hash.js';
export { isFuture } from './clock-skew.js';
export { compareFidelity } from './compare-fidelity.js';
export { DEFAULT_LISTEN, describeListen, ROLES } from './config/api.js';
export type * from './config/config.js';
export { type DescribedConfig, describeConfig } from './config/describe-config.js';
export { configJsonSchema } from './config/json-schema.js';
export { type ParseConfigOptions, parseConfig } from './config/parse-config.js';
export { s3Location } from './config/s3-location.js';
export { checkConsistency } from './consistency.js';
export { type Sha256, sha256 } from './digest.js';
export { type Draw, drawBackup, drawFaults, type ListedBackup, MOST_LISTED } from './draw.js';
export { duesBetween, jitterOf } from './dues.js';
export { formatDuration, parseDuration } from './duration.js';
export { errnoOf } from './errno.js';
export {
  type ErrorCode,
  isEvidence,
  isMusterError,
  MusterError,
  USAGE_CODES,
} from './error.js';
export { type ParsedExpect, parseExpect } from './expect.js';
export { extendedJsonFault } from './extended-json.js';
export * from './fidelity.js';
export {
  DRILL_ID,
  drillTime,
  listingKey,
  newDrillId,
  planKey,
  receiptKey,
  scheduledDrillId,
  scheduledTakeId,
  takeTime,
} from './ids.js';
export { canonicalJson, type JsonValue, jsonNumber } from './jcs.js';
export { type Judgement, judge, judgeRole } from './judge.js';
export * from './known-take.js';
export * from './newest-mark.js';
export * from './objectives.js';
export { createPlan, identityOf, type Plan, type PlanAsked, planSchema, restorePointOf } from './plan.js';
export { poolsOf } from './pools-of.js';
export * from './preflight.js';
export { hasPassed, PASS_RULE, provesSource } from './proves-source.js';
export {
  CHECK_REASON_CODES,
  CHECK_REASONS,
  type CheckReason,
  isReason,
  REASON_CODES,
  REASONS,
  type Reason,
} from './reason.js';
export * from './recovery.js';
export * from './rehearsal.js';
export { timesOf } from './replay-faults.js';
export * from './restore-point.js';
export * from './restore-record.js';
export * from './scheduled-source.js';
export { parseSecretRef, writeSecretRef } from './secret-ref.js';
export { formatSize, parseSize, writeSize } from './size.js';
export * from './statement.js';
export { type SummaryJson, summaryJson } from './summary.js';
export * from './take-findings.js';
export { tryDurationMs } from './try-duration.js';
export {
  UNFINISHED_REASONS,
  type Unfinished,
  type UnfinishedIssuer,
  type UnfinishedReason,
  unfinishedStatement,
} from './unfinished.js';
export { unreadable } from './unreadable.js';
export type { Answer, SummaryRow, SummaryValue } from './value.js';
export { type CheckVerdict, failedReason, rollUp, type Verdict } from './verdict.js';
export { wellFormed } from './well-formed.js';
