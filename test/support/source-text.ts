import type { SourceKind } from '@muster/core';

/** The text of a `summary_sql`, or the mapping of a `summary_find`. */
export type TestQuestion = string | Readonly<Record<string, unknown>>;

/** Checks by id: what is asked and what is expected. */
export type TestChecks = Readonly<Record<string, readonly [question: TestQuestion, expect: string]>>;

/** What a test says of a source of its configuration. */
export interface TestSource {
  /** Default: postgres. */
  readonly kind?: SourceKind;
  /** Lines of YAML for the source; without a backup or a connection its dumps lie in `dumps`. */
  readonly source?: readonly string[];
  readonly checks?: TestChecks;
}

/** Of its one source, `shop`, unless there are others beside it. */
export interface TestSources extends TestSource {
  readonly isolation?: 'docker' | 'bubblewrap';
  /** Checks that no source asks by itself. */
  readonly unasked?: TestChecks;
  /** Further sources by slug; ids of checks are those of them all. */
  readonly others?: Readonly<Record<string, TestSource>>;
}

/** One check that every dump passes. */
const ANY: Readonly<Record<SourceKind, TestChecks>> = {
  postgres: { rows: ['SELECT 1 AS n', 'n == 1'] },
  mongodb: { rows: [{ database: 'shop', list_collections: true }, 'n >= 0'] },
};

/** The lines of a configuration of which these are the sources: `sources`, `checks` and `scratch`. */
export function sourceText({
  isolation = 'docker',
  others = {},
  unasked = {},
  ...shop
}: TestSources): readonly string[] {
  const sources = Object.entries({ shop, ...others });
  const checks = [...sources.map(([, source]) => checksOf(source)), unasked].flatMap(checkLines);
  return [
    'sources:',
    ...sources.flatMap(([slug, source]) => sourceLines(slug, source)),
    ...(checks.length === 0 ? [] : ['checks:', ...checks]),
    `scratch: { kind: ${isolation}, images: { postgres: "muster.test/postgres:{major}", mongodb: "muster.test/mongo:{major}" } }`,
  ];
}

const checksOf = ({ kind = 'postgres', checks = ANY[kind] }: TestSource): TestChecks => checks;

function sourceLines(slug: string, test: TestSource): readonly string[] {
  const { kind = 'postgres', source = [] } = test;
  const ids = Object.keys(checksOf(test));
  const saysWhere = source.some((line) => /^(backup|connection):/.test(line));
  return [
    `  - slug: ${slug}`,
    `    kind: ${kind}`,
    ...(saysWhere ? [] : ['    backup: { type: dump, location: dumps }']),
    ...source.map((line) => `    ${line}`),
    ...(ids.length === 0 ? [] : [`    checks: [${ids.join(', ')}]`]),
  ];
}

const checkLines = (checks: TestChecks): readonly string[] =>
  Object.entries(checks).flatMap(([id, [question, expect]]) => [
    `  - id: ${id}`,
    `    ${typeof question === 'string' ? 'summary_sql' : 'summary_find'}: ${JSON.stringify(question)}`,
    `    expect: ${JSON.stringify(expect)}`,
  ]);
