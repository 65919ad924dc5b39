import { describe, expect, it } from 'vitest';
import type { Config } from './config.js';
import { describeConfig } from './describe-config.js';
import { parseConfig } from './parse-config.js';

const PLACE = 'connection: { uri: env:U }, backup: { type: dump, location: ./dumps }';
const SETS = 'backup: { type: pgbackrest, stanza: main, repo: { path: ./repo } }';

const parse = (keys: string, kind = 'postgres') =>
  parseConfig(`sources:\n  - { slug: a, kind: ${kind}, restore_only: true, ${keys} }\n`, {
    file: 'muster.yaml',
    baseDirectory: '/etc/muster',
  });

function configOf(keys: string): Config {
  const parsed = parse(keys);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
}

const messagesOf = (keys: string, kind?: string): readonly string[] => {
  const parsed = parse(keys, kind);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
};

describe('take of a source', () => {
  it('has defaults, and paths relative to the file', () => {
    const [source] = configOf(
      `${PLACE}, pool: eu, take: { cron: "0 0 * * *", encrypt: { age: "file:age.pub" } }`,
    ).sources;
    expect(source?.take).toEqual({
      schedules: [{ name: 'default', cron: '0 0 * * *', tz: 'UTC', type: 'incr' }],
      type: 'incr',
      format: 'custom',
      jobs: 2,
      overrun: 'skip',
      pool: 'eu',
      encrypt: { age: { kind: 'file', path: '/etc/muster/age.pub' } },
      limitMs: 21_600_000,
    });
    expect(source?.fidelity).toEqual({ budgetMs: 600_000, sentinels: [] });
  });

  it('may have schedules, each with a type of its own', () => {
    const take =
      '{ data_directory: ./pg, schedules: [{ name: weekly, cron: "0 0 * * 0", type: full }, { name: daily, cron: "0 1 * * *", tz: Europe/Paris }] }';
    const [source] = configOf(`${SETS}, take: ${take}`).sources;
    expect(source?.take).toMatchObject({
      dataDirectory: '/etc/muster/pg',
      schedules: [
        { name: 'weekly', tz: 'UTC', type: 'full' },
        { name: 'daily', tz: 'Europe/Paris', type: 'incr' },
      ],
    });
  });

  it.each([
    `${PLACE}, take: { retain: { count: 7, days: 14 }, format: directory, jobs: 4 }, fidelity: { level: full, sentinels: [{ table: users, key: { id: 1 } }] }`,
    `${SETS}, take: { cron: "0 0 * * *", type: diff, data_directory: /pg, limit: 1h, overrun: wait }, fidelity: counts`,
    `${PLACE}, rehearse: { migrate: [a.sql, b.sql], version: select 1, seed: [{ table: users, row: { id: 1, name: null } }] }`,
  ])('is described so that it reads as the same: %s', (keys) => {
    const config = configOf(keys);
    const again = parseConfig(JSON.stringify(describeConfig(config)), {
      file: 'muster.yaml',
      baseDirectory: '/',
    });
    expect(again.ok && again.config.sources).toEqual(config.sources);
  });

  it.each([
    [
      'connection: { uri: env:U }, take: {}',
      'sources[0].take: to take backups a source needs a place for them',
    ],
    [
      'backup: { type: dump, location: ./d }, take: {}',
      'sources[0].take: to take dumps a source needs a connection',
    ],
    [`${SETS}, take: {}`, 'sources[0].take: with repo, take needs data_directory'],
    [
      `${SETS}, take: { data_directory: /pg, format: custom }`,
      'sources[0].take.format: format is for type: dump',
    ],
    [`${PLACE}, take: { type: full }`, 'sources[0].take.type: type is for type: pgbackrest'],
    [`${PLACE}, take: { retain: {} }`, 'sources[0].take.retain: retain needs a count, days, or both'],
    [`${PLACE}, take: { retain: { count: 0 } }`, 'sources[0].take.retain.count'],
    [
      `${PLACE}, take: { cron: "0 0 * * *", schedules: [] }`,
      'sources[0].take.cron: cron and schedules exclude',
    ],
    [`${PLACE}, take: { tz: UTC }`, 'sources[0].take.tz: tz is that of cron'],
    [
      `${PLACE}, take: { schedules: [{ name: a, cron: "0 0 * * *" }, { name: a, cron: "1 0 * * *" }] }`,
      'sources[0].take.schedules[1].name: another schedule',
    ],
    [`${PLACE}, rehearse: {}`, 'sources[0].rehearse: rehearse needs a base'],
    [`${PLACE}, rehearse: { base: a, migrate: [b] }`, 'sources[0].rehearse: base and migrate exclude'],
    [`${PLACE}, rehearse: { seed: [{ table: t, row: {} }] }`, 'sources[0].rehearse: rehearse needs a base'],
    [`${PLACE}, fidelity: some`, 'sources[0].fidelity: expected off, counts, full'],
    [`${PLACE}, fidelity: { sentinels: [{ table: t, key: {} }] }`, 'sources[0].fidelity'],
  ])('refuses %s', (keys, message) => {
    expect(messagesOf(keys)).toEqual([expect.stringContaining(message)]);
  });

  it('rehearses MongoDB with its seed alone, and without what is for PostgreSQL', () => {
    const seed = 'seed: [{ table: shop.users, row: { _id: 1 } }]';
    expect(messagesOf(`${PLACE}, rehearse: { ${seed} }`, 'mongodb')).toEqual([]);
    expect(messagesOf(`${PLACE}, rehearse: { version: select 1 }`, 'mongodb')).toEqual([
      'sources[0].rehearse: rehearse needs a base (a dump), or a seed of documents',
      'sources[0].rehearse.version: version is for PostgreSQL',
    ]);
  });

  it('refuses a format of PostgreSQL for MongoDB', () => {
    expect(messagesOf(`${PLACE}, take: { format: custom }`, 'mongodb')).toEqual([
      'sources[0].take.format: format is for PostgreSQL',
    ]);
  });
});
