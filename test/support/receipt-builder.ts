import { newDrillId, type Predicate, receiptKey, type Statement } from '@muster/core';
import type { IndexedReceipt } from '@muster/index';
import { sampleStatement } from '../../packages/evidence/src/sample-statement.fixture.ts';

/** A valid statement of a drill that was asked for at `askedAt`, four seconds before the statement of the fixture ends. */
export function statementOf(askedAt: Date, changes: Partial<Predicate> = {}): Statement {
  const statement = sampleStatement({ drill_id: newDrillId(askedAt), ...changes });
  const { source, backup } = statement.predicate;
  const [{ digest }] = statement.subject;
  return { ...statement, subject: [{ name: `${source.slug}/${backup?.id ?? 'plan'}`, digest }] };
}

/** The same as a row of the index. */
export function indexedReceipt(statement: Statement, sha256 = 'a'.repeat(64)): IndexedReceipt {
  const { source, drill_id: drillId } = statement.predicate;
  return { statement, key: receiptKey(source.slug, drillId), sha256 };
}
