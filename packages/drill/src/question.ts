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
import type { Server } from '@muster/engines';
import type { DrillEvent } from './drill-event.js';

export interface QuestionContext {
  readonly now: () => Date;
  readonly observe: (event: DrillEvent) => void;
  readonly output: (text: string) => void;
  readonly summaries: Source['summaries'];
}

/** A check that the drill did not come to (law 4: never a pass). */
export function notRun(check: Check): CheckRecord {
  return { ...identityOf(check), verdict: 'not_run' };
}

/**
 * Asks the checks one after another, in the order declared, against the one shared scratch.
 * `onRecord` gets each as soon as it is judged, so that what was seen stands even if the scratch is lost after it.
 */
export async function question(
  context: QuestionContext,
  server: Server,
  checks: readonly Check[],
  where: { readonly database: string; readonly backupCreatedAt?: Date },
  onRecord: (record: CheckRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const check of checks) {
    signal.throwIfAborted();
    const record = await ask(context, server, check, where, signal);
    onRecord(record);
    context.observe({ type: 'check-ended', check: record });
    if (record.reason === 'server_lost') {
      throw new MusterError(
        'scratch_lost',
        `The scratch's server ended while it answered the check "${check.id}".`,
      );
    }
  }
}

async function ask(
  context: QuestionContext,
  server: Server,
  check: Check,
  where: { readonly database: string; readonly backupCreatedAt?: Date },
  signal: AbortSignal,
): Promise<CheckRecord> {
  const startedAt = context.now();
  context.observe({ type: 'check-started', id: check.id });
  const options = {
    ...where,
    database: check.database ?? where.database,
    timeoutMs: check.timeoutMs,
    onOutput: context.output,
  };
  const answer = await server.ask(check, options, signal);
  const { verdict, reason } = judgeRole(judge(answer, check.expectation), check.role);
  const code = answer.kind === 'query_failed' ? answer.code : undefined;
  return {
    ...identityOf(check),
    verdict,
    ...(reason && { reason }),
    ...(code && { code }),
    ...(answer.kind === 'row' && context.summaries === 'full' && { summary: summaryJson(answer.row) }),
    started_at: startedAt.toISOString(),
    duration_ms: Math.max(0, context.now().getTime() - startedAt.getTime()),
  };
}
