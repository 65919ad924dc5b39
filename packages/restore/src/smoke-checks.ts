import {
  type Check,
  type CheckRecord,
  identityOf,
  judge,
  judgeRole,
  MusterError,
  type Source,
  summaryJson,
} from '@muster/core';
import type { TargetRestore } from '@muster/engines';

/** What is asked of a target that was restored. */
export interface SmokeChecks {
  readonly checks: readonly Check[];
  readonly database: string;
  readonly backupCreatedAt?: Date;
  readonly summaries: Source['summaries'];
  readonly now: () => Date;
  readonly onOutput: (text: string) => void;
  readonly onRecord: (record: CheckRecord) => void;
}

/** Asks the checks one after another, as a drill does. @throws `cancelled`, `target_lost`. */
export async function askChecks(
  target: Pick<TargetRestore, 'ask'>,
  { checks, onRecord, ...context }: SmokeChecks,
  signal: AbortSignal,
): Promise<void> {
  for (const check of checks) {
    signal.throwIfAborted();
    const record = await askOne(target, check, context, signal);
    onRecord(record);
    if (record.reason === 'server_lost')
      throw new MusterError('target_lost', `The target ended while it answered the check "${check.id}".`);
  }
}

/** A check that was not come to. */
export const notAsked = (check: Check): CheckRecord => ({ ...identityOf(check), verdict: 'not_run' });

async function askOne(
  target: Pick<TargetRestore, 'ask'>,
  check: Check,
  { now, database, backupCreatedAt, summaries, onOutput }: Omit<SmokeChecks, 'checks' | 'onRecord'>,
  signal: AbortSignal,
): Promise<CheckRecord> {
  const startedAt = now();
  const answer = await target.ask(
    check,
    {
      database: check.database ?? database,
      ...(backupCreatedAt && { backupCreatedAt }),
      timeoutMs: check.timeoutMs,
      onOutput,
    },
    signal,
  );
  const { verdict, reason } = judgeRole(judge(answer, check.expectation), check.role);
  const code = answer.kind === 'query_failed' ? answer.code : undefined;
  return {
    ...identityOf(check),
    verdict,
    ...(reason && { reason }),
    ...(code && { code }),
    ...(answer.kind === 'row' && summaries === 'full' && { summary: summaryJson(answer.row) }),
    started_at: startedAt.toISOString(),
    duration_ms: Math.max(0, now().getTime() - startedAt.getTime()),
  };
}
