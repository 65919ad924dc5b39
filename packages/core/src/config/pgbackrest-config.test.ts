import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { BackupConfig } from './config.js';
import { describeConfig } from './describe-config.js';
import { parseConfig } from './parse-config.js';

const where = { file: 'muster.yaml', baseDirectory: '/etc/muster' };

const text = (backup: string, kind = 'postgres') =>
  `sources: [{ slug: shop, kind: ${kind}, restore_only: true, backup: ${backup} }]`;

function load(written: string): { backup: BackupConfig | undefined; again: string } {
  const parsed = parseConfig(written, where);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return { backup: parsed.config.sources[0]?.backup, again: stringify(describeConfig(parsed.config)) };
}

const faultsOf = (backup: string, kind?: string) => {
  const parsed = parseConfig(text(backup, kind), where);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
};

const SCHEDULED = text(
  '{ type: pgbackrest, stanza: main, repo: { path: r } }, schedules: [{ name: a, cron: "0 3 * * *", restore_point: POINT }]',
);

describe('a backup in a pgBackRest repository', () => {
  it.each([
    [
      '{ type: pgbackrest, stanza: main, repo: { path: repo, cipher_pass: file:pass }, process_max: 4 }',
      {
        type: 'pgbackrest',
        stanza: 'main',
        repository: {
          kind: 'place',
          place: { type: 'directory', location: '/etc/muster/repo' },
          cipherPass: { kind: 'file', path: '/etc/muster/pass' },
        },
        processMax: 4,
      },
    ],
    [
      '{ type: pgbackrest, stanza: main, config: /etc/pgbackrest.conf, delta: true }',
      {
        delta: true,
        type: 'pgbackrest',
        stanza: 'main',
        repository: { kind: 'config', path: '/etc/pgbackrest.conf' },
      },
    ],
    [
      '{ type: pgbackrest, stanza: main, repo: { path: s3://backups/shop, s3: { endpoint: "https://s3.example.org", access_key_id: env:ID, secret_access_key: env:SECRET } } }',
      {
        type: 'pgbackrest',
        stanza: 'main',
        repository: {
          kind: 'place',
          place: {
            type: 's3',
            location: 's3://backups/shop',
            bucket: 'backups',
            prefix: 'shop',
            s3: {
              endpoint: 'https://s3.example.org',
              credentials: {
                accessKeyId: { kind: 'env', name: 'ID' },
                secretAccessKey: { kind: 'env', name: 'SECRET' },
              },
            },
          },
        },
      },
    ],
  ])('loads, and is described as it is: %s', (backup, expected) => {
    const { backup: loaded, again } = load(text(backup));
    expect(loaded).toEqual(expected);
    expect(load(again).backup).toEqual(expected);
  });

  it.each([
    ['{ type: pgbackrest, repo: { path: r } }', 'backup.stanza: stanza is missing'],
    ['{ type: pgbackrest, stanza: main }', 'backup.repo: repo (or config) is missing'],
    [
      '{ type: pgbackrest, stanza: main, repo: { path: r }, config: c }',
      'repo and config exclude each other',
    ],
    [
      '{ type: pgbackrest, stanza: main, repo: { path: r }, match: "*" }',
      'a pgBackRest repository has no match',
    ],
    ['{ type: pgbackrest, stanza: ../x, repo: { path: r } }', 'expected the name of a stanza'],
    ['{ type: pgbackrest, stanza: main, repo: { path: r, cipher_pass: secret } }', 'expected a reference'],
    [
      '{ type: pgbackrest, stanza: main, repo: { path: r, s3: { region: eu } } }',
      'backup.repo.s3: s3 is only for a path in S3',
    ],
    [
      '{ type: pgbackrest, stanza: main, repo: { path: s3://b-ucket/r, s3: { access_key_id: env:ID } } }',
      'access_key_id needs secret_access_key beside it',
    ],
    [
      '{ type: pgbackrest, stanza: main, repo: { path: r }, s3: { region: eu } }',
      'a pgBackRest repository has no s3',
    ],
    ['{ type: dump, location: d, stanza: main }', 'stanza is for type: pgbackrest'],
    ['{ type: dump, location: d, delta: true }', 'delta is for type: pgbackrest'],
  ])('%s is told what is wrong', (backup, message) => {
    expect(faultsOf(backup)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    '{ xid: 4711 }',
    '{ xid: "18446744073709551615" }',
    '{ name: "before deploy" }',
    '{ lsn: 16/B374D848 }',
  ])('may be drilled as of %s', (point) => {
    const written = SCHEDULED.replace('POINT', point);
    const { again } = load(written);
    const schedules = (yaml: string) => {
      const parsed = parseConfig(yaml, where);
      return parsed.ok && parsed.config.sources[0]?.schedules;
    };
    expect(schedules(again)).toEqual(schedules(written));
  });

  it.each([
    ['{ xid: 2 }', 'expected the number of a transaction'],
    ['{ xid: "0x12" }', 'expected the number of a transaction'],
    ['{ xid: 1.5 }', 'also { xid }'],
    ['{ name: "" }', 'expected some text'],
    ['{ name: "a\\nb" }', 'expected the name of a restore point'],
    ['{ lsn: 16 }', '{ lsn }'],
    ['{ lsn: 1/123456789 }', 'expected a location in WAL'],
  ])('may not be drilled as of %s', (point, message) => {
    const parsed = parseConfig(SCHEDULED.replace('POINT', point), where);
    expect(parsed).toMatchObject({ ok: false, faults: [{ message: expect.stringContaining(message) }] });
  });

  it('is of PostgreSQL', () => {
    expect(faultsOf('{ type: pgbackrest, stanza: main, repo: { path: r } }', 'mongodb')).toEqual([
      expect.stringContaining('pgBackRest keeps backups of PostgreSQL'),
    ]);
  });
});
