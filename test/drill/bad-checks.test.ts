import type { SourceKind } from '@muster/core';
import { expect, it } from 'vitest';
import { projectOfEachTest } from '../support/drill-project.ts';
import { describeKinds } from '../support/kinds.ts';
import type { TestChecks, TestQuestion } from '../support/source-text.ts';

/** A question, what is expected of its row, and what then is said of the check. */
type Row = readonly [question: TestQuestion, expect: string, ...said: readonly (string | undefined)[]];

const PEOPLE = { database: 'shop', collection: 'people' };
const find = (filter: object, more: object = {}): TestQuestion => ({ ...PEOPLE, filter, ...more });
const pipe = (...aggregate: readonly object[]): TestQuestion => ({ ...PEOPLE, aggregate });
const value = (n: unknown): TestQuestion => pipe({ $set: { n } });
const many = { $range: [0, 1000] };

/** Asked in this order, of a dump with one row, or document, in `people`. */
const CHECKS: Readonly<Record<SourceKind, Readonly<Record<string, Row>>>> = {
  postgres: {
    'no-row': ['SELECT 1 AS n WHERE false', 'n == 1', 'error', 'no_rows'],
    'two-rows': ['SELECT generate_series(1, 2) AS n', 'n == 1', 'error', 'multiple_rows'],
    'no-column': ['SELECT 1 AS m', 'n == 1', 'error', 'unknown_column'],
    'column-twice': ['SELECT 1 AS n, 1 AS n', 'n == 1', 'error', 'ambiguous_column'],
    text: ["SELECT '1' AS n", 'n == 1', 'error', 'type_mismatch'],
    date: ["SELECT '2026-01-01'::date AS n", "n == '2026-01-01'", 'error', 'type_mismatch'],
    nothing: ['SELECT NULL::int AS n', 'n > 0', 'fail', 'null_value'],
    nan: ["SELECT 'NaN'::float8 AS n", 'n > 0', 'error', 'non_finite'],
    'too-large': ["SELECT repeat('x', 300000) AS n", 'n == 1', 'error', 'row_too_large'],
    wrong: ['SELECT 2 AS n', 'n == 1', 'fail', 'expectation_not_met'],
    'no-such': ['SELECT nope AS n', 'n == 1', 'error', 'query_failed', '42703'],
    'no-table': ['SELECT count(*) AS n FROM nowhere', 'n == 0', 'error', 'query_failed', '42P01'],
    slow: ['SELECT pg_sleep(600), 1 AS n', 'n == 1', 'error', 'timeout'],
    write: ['CREATE TABLE copy AS SELECT 1 AS n', 'n == 1', 'error', 'no_rows'],
    written: ['SELECT count(*) AS n FROM copy', 'n == 1', 'pass'],
    still: ['SELECT count(*) AS n FROM people', 'n == 1', 'pass'],
  },
  mongodb: {
    'no-row': [pipe({ $match: { name: 'nobody' } }), 'n == 1', 'error', 'no_rows'],
    // The first document is the row.
    'two-rows': [pipe({ $project: { n: [1, 2] } }, { $unwind: '$n' }, { $sort: { n: 1 } }), 'n == 1', 'pass'],
    'no-column': [value(1), 'm == 1', 'error', 'unknown_column'],
    'no-path': [value(1), 'n.m == 1', 'error', 'unknown_column'],
    text: [value('1'), 'n == 1', 'error', 'type_mismatch'],
    date: [value({ $toDate: '2026-01-01' }), "n == '2026-01-01T00:00:00Z'", 'error', 'type_mismatch'],
    'object-id': [
      value({ $toObjectId: '0'.repeat(24) }),
      `n == '${'0'.repeat(24)}'`,
      'error',
      'type_mismatch',
    ],
    nothing: [value(null), 'n > 0', 'fail', 'null_value'],
    nan: [value({ $literal: { $numberDouble: 'NaN' } }), 'n > 0', 'error', 'non_finite'],
    'too-large': [
      pipe({ $project: { n: { $map: { input: many, in: 'x'.repeat(300) } } } }),
      'n == 1',
      'error',
      'row_too_large',
    ],
    wrong: [value(2), 'n == 1', 'fail', 'expectation_not_met'],
    'no-operator': [find({ name: { $nope: 1 } }), 'n == 0', 'error', 'query_failed', '2'],
    'no-stage': [pipe({ $nope: {} }), 'n == 0', 'error', 'query_failed', '40324'],
    'filter-is-bson': [find({ $oid: '0'.repeat(24) }), 'n == 0', 'error', 'query_failed'],
    'no-database': [find({}, { database: 'nowhere' }), 'n == 0', 'pass'],
    'no-database-row': [
      { database: 'nowhere', collection: 'people', aggregate: [{ $limit: 1 }] },
      'n == 0',
      'error',
      'no_rows',
    ],
    'no-database-list': [{ database: 'nowhere', list_collections: true }, 'n == 0', 'pass'],
    slow: [
      pipe(
        { $set: { step: many } },
        ...['a', 'b', 'c', 'd'].flatMap((name) => [{ $set: { [name]: many } }, { $unwind: `$${name}` }]),
        { $count: 'n' },
      ),
      'n == 1',
      'error',
      'timeout',
    ],
    // JavaScript: no server counts by it, and the stand-in has none.
    where: [find({ $where: 'sleep(1e9)' }), 'n == 0', 'error', 'query_failed', '2'],
    function: [
      value({ $function: { body: 'function () { return 1 }', args: [], lang: 'js' } }),
      'n == 1',
      'error',
      'query_failed',
      '115',
    ],
    write: [pipe({ $out: 'copy' }), 'n == 1', 'error', 'no_rows'],
    written: [find({}, { collection: 'copy' }), 'n == 1', 'pass'],
    'merge-elsewhere': [
      pipe({ $merge: { into: { db: 'other', coll: 'copy' } } }),
      'n == 1',
      'error',
      'no_rows',
    ],
    'merged-elsewhere': [find({}, { database: 'other', collection: 'copy' }), 'n == 1', 'pass'],
    'write-within': [
      pipe({ $lookup: { from: 'people', pipeline: [{ $out: 'within' }], as: 'x' } }),
      'n == 1',
      'error',
      'query_failed',
      '51047',
    ],
    'not-within': [find({}, { collection: 'within' }), 'n == 0', 'pass'],
    still: [find({}), 'n == 1', 'pass'],
  },
};

const drillProject = projectOfEachTest();

describeKinds('a drill of %s whose checks cannot be judged', ({ kind, dump }) => {
  it('says of each why, and goes on with the next', async () => {
    const rows = Object.entries(CHECKS[kind]);
    const checks: TestChecks = Object.fromEntries(
      rows.map(([id, [question, says]]) => [id, [question, says]]),
    );
    const project = await drillProject({
      isolation: 'docker',
      kind,
      checks,
      source: ['limits: { check: 2s }'],
    });
    await dump(project.dumps);
    const { predicate, exitCode } = await project.drill();
    const said = predicate?.checks.map(({ id, verdict, reason, code }) => [id, verdict, reason, code]);
    expect(said).toEqual(rows.map(([id, [, , verdict, reason, code]]) => [id, verdict, reason, code]));
    expect(exitCode).toBe(1);
  });
});
