import { readFile } from 'node:fs/promises';
import { PHASES } from '@muster/core';
import { expect, it } from 'vitest';
import { METRICS } from './metric-names.js';
import { ATTRIBUTES, SPANS } from './names.js';

const docs = await readFile(new URL('../../../docs/telemetry.md', import.meta.url), 'utf8');

it.each([
  ...Object.values(SPANS),
  ...PHASES,
  ...Object.values(ATTRIBUTES),
  ...Object.values(METRICS).map(({ name }) => name),
])('docs/telemetry.md lists `%s`', (name) => {
  expect(docs).toContain(`\`${name}\``);
});

it.each(Object.values(METRICS))('docs/telemetry.md lists the attributes of $name', ({ name, attributes }) => {
  const [row] = docs.split('\n').filter((line) => line.includes(`\`${name}\``));
  expect(row?.split('|')[2]?.trim()).toBe(attributes.join(', '));
});

const alerts = [...docs.matchAll(/alert: (\w+), expr: '([^']+)'/g)].map(([, name = '', rule = '']) => ({
  name,
  rule,
}));

it('docs/telemetry.md has alerts', () => {
  expect(alerts.map(({ name }) => name)).toContain('MusterNoProof');
});

it.each(alerts.filter(({ name }) => name !== 'MusterApiAway'))(
  'the alert $name is of a metric that there is, and its labels',
  ({ rule }) => {
    const [, metric = '', labels = ''] = /^(\w+)(?:\{(.*)\})? (?:==|>) [\d* ]+$/.exec(rule) ?? [];
    const row = docs.split('\n').find((line) => line.includes(`(\`${metric}\`)`));
    const [, name] = /^\| `([^`]+)`/.exec(row ?? '') ?? [];
    const definition = Object.values(METRICS).find((one) => one.name === name);
    expect(definition?.attributes).toEqual(
      expect.arrayContaining([...labels.matchAll(/(\w+)=/g)].map(([, label]) => label)),
    );
  },
);
