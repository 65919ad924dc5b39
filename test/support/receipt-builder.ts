import {
  newDrillId,
  type Plan,
  type Predicate,
  promised,
  provesSource,
  receiptKey,
  type Statement,
} from '@muster/core';
import type { IndexedReceipt } from '@muster/index';
import { sampleStatement } from '../../packages/evidence/src/sample-statement.fixture.ts';

/** A valid statement of a drill that was asked for at `askedAt`, four seconds before the statement of the fixture ends. */
export function statementOf(askedAt: Date, changes: Partial<Predicate> = {}): Statement {
  const statement = sampleStatement({ drill_id: newDrillId(askedAt), ...changes });
  const { source, backup } = statement.predicate;
  const [{ digest }] = statement.subject;
  return { ...statement, subject: [{ name: `${source.slug}/${backup?.id ?? 'plan'}`, digest }] };
}

/** The same as a row of the index, with a plan of all its checks. */
export function indexedReceipt(statement: Statement, sha256 = 'a'.repeat(64)): IndexedReceipt {
  const { source, drill_id: drillId } = statement.predicate;
  const proves = provesSource(statement.predicate, {});
  return { statement, key: receiptKey(source.slug, drillId), sha256, proves };
}

/** The plan that it is of, with all checks of its source. */
export function planOf({ predicate }: Statement): Plan {
  const { drill_id, source, trigger, environment, restore_point, checks, config_sha256, objectives } =
    predicate;
  const { resolved: _, listing_sha256: __, ...asked } = restore_point;
  return {
    drill_id,
    source,
    trigger,
    pool: environment.pool,
    restore_point: asked,
    ...(objectives && { objectives: promised(objectives) }),
    checks: checks.map(({ id, check_sha256, expect_sha256 }) => ({ id, check_sha256, expect_sha256 })),
    config_sha256,
  };
}
