import { drillTime, type Statement } from '@muster/core';
import type { IndexedDrill, IndexedReceipt } from './drill-index.js';
import type { CheckRow, DrillRow } from './tables.js';

export function drillRow({ statement, key, sha256, proves }: IndexedReceipt): DrillRow {
  const { predicate } = statement;
  const { trigger, backup, environment } = predicate;
  return {
    drill_id: predicate.drill_id,
    source: column(predicate.source.slug),
    kind: predicate.source.kind,
    trigger_kind: trigger.kind,
    schedule: optional(trigger.schedule),
    scheduled_for: trigger.scheduled_for === undefined ? null : new Date(trigger.scheduled_for),
    result: predicate.result,
    reason: predicate.reason ?? null,
    pool: column(environment.pool),
    worker: column(environment.worker),
    asked_at: drillTime(predicate.drill_id),
    issued_at: new Date(predicate.issued_at),
    backup_id: optional(backup?.id),
    backup_sha256: backup?.sha256 ?? null,
    restore_ms: predicate.restore?.duration_ms ?? null,
    key,
    sha256,
    proves,
    statement: JSON.stringify(statement),
  };
}

export function checkRows({ predicate }: Statement): readonly CheckRow[] {
  return predicate.checks.map((check, ordinal) => ({
    drill_id: predicate.drill_id,
    ordinal,
    check_id: column(check.id),
    verdict: check.verdict,
    reason: check.reason ?? null,
    duration_ms: check.duration_ms ?? null,
    check_sha256: check.check_sha256,
  }));
}

export function indexedDrill(row: Pick<DrillRow, 'key' | 'sha256' | 'proves' | 'statement'>): IndexedDrill {
  // What was written here had been verified.
  const statement = JSON.parse(row.statement) as Statement;
  const { drill_id: drillId, source, issued_at: issuedAt } = statement.predicate;
  return {
    statement,
    key: row.key,
    sha256: row.sha256,
    proves: row.proves,
    drillId,
    source: source.slug,
    askedAt: drillTime(drillId),
    issuedAt: new Date(issuedAt),
  };
}

/** An entry of a B-tree may have 2,704 bytes. */
const LONGEST = 500;

/** Text of a receipt as a column can hold it: PostgreSQL knows no U+0000. The statement keeps the exact one. */
function column(text: string): string {
  return text.slice(0, LONGEST).toWellFormed().replaceAll('\0', '\uFFFD');
}

const optional = (text: string | undefined): string | null => (text === undefined ? null : column(text));
