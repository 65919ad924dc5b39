import {
  type Check,
  type CheckRecord,
  identityOf,
  judge,
  judgeRole,
  type MusterError,
  type Source,
  summaryJson,
} from '@muster/core';
import type { Server } from './engine.js';

/** What is asked of a database that was restored, and who hears of it. */
export interface ChecksToAsk {
  readonly checks: readonly Check[];
  /** Where a check names no database of its own. */
  readonly database: string;
  readonly backupCreatedAt?: Date;
  readonly summaries: Source['summaries'];
  readonly now: () => Date;
  /** What the server said to a question it refused: for people, in no record. */
  readonly onOutput: (text: string) => void;
  readonly onStart?: (check: Check) => void;
  /** Gets each as soon as it is judged, so that what was seen stands even if the server is lost after it. */
  readonly onRecord: (record: CheckRecord) => void;
  /** What it means that the server ended while it answered. */
  readonly lost: (check: Check) => MusterError;
}

/** A check that was not come to (never a pass). */
export const notRun = (check: Check): CheckRecord => ({ ...identityOf(check), verdict: 'not_run' });

/** Asks the checks one after another, in the order declared. @throws `cancelled`, and what `lost` says. */
export async function askChecks(
  server: Pick<Server, 'ask'>,
  asked: ChecksToAsk,
  signal: AbortSignal,
): Promise<void> {
  for (const check of asked.checks) {
    signal.throwIfAborted();
    asked.onStart?.(check);
    const record = await askCheck(server, check, asked, signal);
    asked.onRecord(record);
    if (record.reason === 'server_lost') throw asked.lost(check);
  }
}

async function askCheck(
  server: Pick<Server, 'ask'>,
  check: Check,
  { now, database, backupCreatedAt, summaries, onOutput }: ChecksToAsk,
  signal: AbortSignal,
): Promise<CheckRecord> {
  const startedAt = now();
  const answer = await server.ask(
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
