import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { scheduledSource } from '../scheduled-source.js';
import { describeConfig } from './describe-config.js';
import { parseConfig } from './parse-config.js';

const where = { file: 'muster.yaml', baseDirectory: '/etc/muster' };
const CHECKS = `
checks:
  - { id: a, summary_sql: SELECT 1 AS n, expect: n == 1 }
  - { id: b, summary_sql: SELECT 2 AS n, expect: n == 1 }
  - { id: c, summary_sql: SELECT 3 AS n, expect: n == 1, timeout: 60s }
  - { id: m, summary_find: { database: x, list_collections: true }, expect: n == 1 }
`;
const yaml = (schedule: string, asked = 'checks: [a, b]', more = '') =>
  `sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: d }, limits: { check: 5s }, ${asked}, schedules: [{ name: s, cron: "0 3 * * *"${schedule} }] }]${CHECKS}${more}`;

function load(text: string) {
  const parsed = parseConfig(text, where);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const [source] = parsed.config.sources;
  const [schedule] = source?.schedules ?? [];
  if (source === undefined || schedule === undefined) throw new Error('there is a schedule');
  return { config: parsed.config, asked: scheduledSource(source, schedule).checks };
}

describe('what a schedule says must be there, and must not be yet', () => {
  it('is asked beside the checks of the source, in its order', () => {
    const { asked } = load(yaml(', present: [c], absent: [a]'));
    expect(asked.map(({ id, role, timeoutMs }) => [id, role, timeoutMs])).toEqual([
      ['a', 'absent', 5_000],
      ['b', undefined, 5_000],
      ['c', 'present', 60_000],
    ]);
  });

  it('is described as it is', () => {
    const { config, asked } = load(yaml(', present: [c], absent: [a]'));
    expect(load(stringify(describeConfig(config))).asked).toEqual(asked);
  });

  it.each([
    [', present: [x]', 'there is no check x', 'present[0]'],
    [', absent: [aa]', 'Did you mean', 'absent[0]'],
    [', absent: [c, c]', 'named twice', 'absent[1]'],
    [', present: [a, c], absent: [c]', 'cannot be both present and absent', 'absent[0]'],
    [', absent: [m]', 'which a source of kind postgres cannot be asked', 'absent[0]'],
    [', absent: a', 'expected a list', 'absent'],
  ])('as %s is told what is wrong', (schedule, message, path) =>
    expect(parseConfig(yaml(schedule), where)).toMatchObject({
      ok: false,
      faults: [{ message: expect.stringContaining(message), path: `sources[0].schedules[0].${path}` }],
    }),
  );

  it.each([
    yaml(', absent: [c]', 'restore_only: true'),
    yaml(', absent: [c]', 'pool: default', 'defaults: { restore_only: true }'),
  ])('is none where only the restore is asked for', (text) =>
    expect(parseConfig(text, where)).toMatchObject({
      ok: false,
      faults: [{ message: 'restore_only asks no checks, and absent names some' }],
    }),
  );
});
