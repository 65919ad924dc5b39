import type { SourceKind } from '@muster/core';

/** The text of a `summary_sql`, or the mapping of a `summary_find`. */
export type TestQuestion = string | Readonly<Record<string, unknown>>;

/** Checks by id: what is asked and what is expected. */
export type TestChecks = Readonly<Record<string, readonly [question: TestQuestion, expect: string]>>;

/** What a test says of the one source of its configuration, `shop`. */
export interface TestSource {
  /** Default: postgres. */
  readonly kind?: SourceKind;
  /** Lines of YAML for the source; without a backup or a connection its dumps lie in `dumps`. */
  readonly source?: readonly string[];
  readonly checks?: TestChecks;
  readonly isolation?: 'docker' | 'bubblewrap';
}

/** One check that every dump passes. */
const ANY: Readonly<Record<SourceKind, TestChecks>> = {
  postgres: { rows: ['SELECT 1 AS n', 'n == 1'] },
  mongodb: { rows: [{ database: 'shop', list_collections: true }, 'n >= 0'] },
};

/** The lines of a configuration of which this is the source: `sources`, `checks` and `scratch`. */
export function sourceText({
  kind = 'postgres',
  source = [],
  checks = ANY[kind],
  isolation = 'docker',
}: TestSource): readonly string[] {
  const ids = Object.keys(checks);
  const saysWhere = source.some((line) => /^(backup|connection):/.test(line));
  return [
    'sources:',
    '  - slug: shop',
    `    kind: ${kind}`,
    ...(saysWhere ? [] : ['    backup: { type: dump, location: dumps }']),
    ...source.map((line) => `    ${line}`),
    ...(ids.length === 0 ? [] : [`    checks: [${ids.join(', ')}]`, 'checks:']),
    ...Object.entries(checks).flatMap(([id, [question, expect]]) => [
      `  - id: ${id}`,
      `    ${typeof question === 'string' ? 'summary_sql' : 'summary_find'}: ${JSON.stringify(question)}`,
      `    expect: ${JSON.stringify(expect)}`,
    ]),
    `scratch: { kind: ${isolation}, images: { postgres: "muster.test/postgres:{major}", mongodb: "muster.test/mongo:{major}" } }`,
  ];
}
