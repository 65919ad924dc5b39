import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { checkSha256, expectSha256, jsonNumber, parseConfig } from '@muster/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../support/find-program.ts';
import { musterFolder } from '../support/muster.ts';
import { requirement } from '../support/requirement.ts';

const python = findProgram('python3');
const canRun = requirement('python3', python !== undefined, 'python3 is not on the PATH');

/** What the script of the docs prints of a configuration in JSON: for each check its two hashes and its id. */
function rebuilt(json: string): readonly string[] {
  const ran = spawnSync(python ?? '', ['docs/check-hashes.py'], { input: json, encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trimEnd().split('\n');
}

const lineOf = (checkHash: string, sentence: string, id: string): string =>
  `${checkHash} ${expectSha256(sentence)} ${id}`;

describe.runIf(canRun)('the hashes of checks, rebuilt by the script in the docs', () => {
  it('from what config show prints, are those of the vectors, and those that check hash says', async () => {
    const vectors = JSON.parse(readFileSync('docs/check-vectors.json', 'utf8')) as {
      readonly summary_find: string;
      readonly check_sha256: string;
    }[];
    const finds = vectors.map(
      ({ summary_find }, index) =>
        `- { id: v${index}, summary_find: ${summary_find}, expect: n == ${index} }`,
    );
    const folder = await musterFolder({
      'muster.yaml': `
sources:
- { slug: m, kind: mongodb, connection: { uri: env:M }, restore_only: true }
checks:
- id: sql
  summary_sql: |
    SELECT count(*) AS "größe" FROM orders
  expect: größe > 1
${finds.join('\n')}
`,
    });
    try {
      const shown = await folder.run(['config', 'show', '--json']);
      expect(shown).toMatchObject({ exitCode: 0 });
      const lines = rebuilt(shown.stdout);
      const found = vectors.map(({ check_sha256 }, index) =>
        lineOf(check_sha256, `n == ${index}`, `v${index}`),
      );
      expect(lines.slice(1)).toEqual(found);
      const said = await folder.run(['check', 'hash', 'sql', '--json']);
      const sql = JSON.parse(said.stdout) as { readonly check_sha256: string };
      expect(lines[0]).toBe(lineOf(sql.check_sha256, 'größe > 1', 'sql'));
    } finally {
      await folder.remove();
    }
  });

  it('are those of Muster whatever is asked', () => {
    const checks = fc
      .sample(anyFind, 300)
      .map((find, index) => `{"id":"c${index}","summary_find":${find},"expect":"n == 1"}`);
    const text = `{"sources":[{"slug":"m","kind":"mongodb","connection":{"uri":"env:M"},"restore_only":true}],"checks":[${checks.join(',\n')}]}`;
    const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: '/' });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    const ours = parsed.config.checks.map((check) => lineOf(checkSha256(check), 'n == 1', check.id));
    expect(rebuilt(text)).toEqual(ours);
    expect(rebuilt(parsed.document)).toEqual(ours);
  });

  it('are refused where an integer is beyond 2^53', () => {
    const input =
      '{"checks":[{"id":"c","summary_find":{"filter":{"n":9007199254740993}},"expect":"n == 1"}]}';
    const ran = spawnSync(python ?? '', ['docs/check-hashes.py'], { input, encoding: 'utf8' });
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toContain('"$numberLong"');
  });
});

/** JSON texts of mappings, whose order of keys a JavaScript object could not hold. */
const { mapping: anyMapping } = fc.letrec<{ readonly value: string; readonly mapping: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)),
    fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger()).map(jsonNumber),
    fc.constantFrom('true', 'false', 'null'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    tie('mapping'),
  ),
  mapping: fc
    .uniqueArray(
      fc.tuple(fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.nat(20).map(String)), tie('value')),
      { maxLength: 5, selector: ([key]) => key },
    )
    .map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
}));

const anyFind = anyMapping.map((filter) => `{"filter":${filter},"database":"d","collection":"c"}`);
