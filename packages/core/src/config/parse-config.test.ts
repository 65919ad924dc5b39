import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkSha256 } from '../check-hash.js';
import { sha256 } from '../digest.js';
import type { Config, ConfigFault } from './config.js';
import { describeConfig } from './describe-config.js';
import { parseConfig } from './parse-config.js';

const options = { file: 'muster.yaml', baseDirectory: '/etc/muster' };

const load = (text: string): Config => {
  const parsed = parseConfig(text, options);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
};

const faultsOf = (text: string): readonly ConfigFault[] => {
  const parsed = parseConfig(text, options);
  return parsed.ok ? [] : parsed.faults;
};

/** `line:column code path`, one for each fault. */
const places = (text: string) =>
  faultsOf(text).map(({ line, column, code, path }) => `${line}:${column} ${code} ${path}`);

const SMALL = `
sources:
- slug: prod-db
  kind: postgres
  connection: { uri: env:RESTORABLE_DB_URI }
  checks:
  - recent-orders
checks:
- id: recent-orders
  summary_sql: |
    SELECT COUNT(*) AS n
    FROM orders
    WHERE created_at > NOW() - INTERVAL '24 hours'
  expect: "n > 100"
`;

/** A source that has all it needs, with more keys of its own. */
const source = (keys: string) => `
sources:
  - { slug: a, kind: postgres, connection: { uri: env:A }, ${keys} }
checks:
  - { id: c, summary_sql: SELECT 1 AS n, expect: n == 1 }
`;

/** A configuration with this one check. */
const check = (keys: string) => `
sources: [{ slug: a, kind: postgres, connection: { uri: env:A }, restore_only: true }]
checks:
  - { id: c, ${keys} }
`;

describe('a small configuration', () => {
  it('loads as written, with the documented defaults', () => {
    expect(load(SMALL)).toMatchObject({
      sources: [
        {
          slug: 'prod-db',
          kind: 'postgres',
          connection: { uri: { kind: 'env', name: 'RESTORABLE_DB_URI' } },
          backup: { type: 'live' },
          checks: [{ id: 'recent-orders', timeoutMs: 60_000, readOnly: false }],
          restoreOnly: false,
          summaries: 'full',
          scratch: { cpus: 2, memoryBytes: 2 * 1024 ** 3, diskBytes: 20 * 1024 ** 3, pids: 512 },
          limits: {
            locate: 60_000,
            launch: 120_000,
            restore: 14_400_000,
            check: 60_000,
            drill: 21_600_000,
          },
        },
      ],
      scratch: { kind: 'auto', images: { postgres: 'postgres:{major}', mongodb: 'mongo:{major}' } },
      signing: {},
      evidence: {},
    });
  });

  it('keeps the text of a check to the byte', () => {
    const [first] = load(SMALL).checks;
    expect(first?.question).toEqual({
      kind: 'postgres',
      summarySql: "SELECT COUNT(*) AS n\nFROM orders\nWHERE created_at > NOW() - INTERVAL '24 hours'\n",
    });
  });

  it('has the digest of its document before defaults, however it is written', () => {
    const text = 'sources: [{ slug: a, kind: postgres, connection: { uri: env:A }, restore_only: true }]';
    const jcs =
      '{"sources":[{"connection":{"uri":"env:A"},"kind":"postgres","restore_only":true,"slug":"a"}]}';
    expect(load(text).configSha256).toBe(sha256(jcs));
    expect(load(`# the same\n${jcs}`).configSha256).toBe(sha256(jcs));
  });
});

describe('a full configuration', () => {
  const FULL = `
sources:
  - slug: shop
    kind: postgres
    database: shop
    backup: { type: dump, location: ../backups/./shop, match: "prod_*.dump", tz: America/New_York }
    checks: [b, a]
    image: postgres:17
    scratch: { cpus: 1.5, memory: 4GiB, disk: 50GB, pids: 64 }
    limits: { locate: 5s, check: 30s, drill: 24d }
    summaries: none
    objectives: { rto: 90s, rpo: 26h, enforce: none }
    schedules:
      - { name: a, cron: "0 3 * * *", restore_point: { random: { days: 14 } } }
      - { name: b, cron: "0 3 * * *", restore_point: { time: "-2h" } }
      - { name: c, cron: "0 3 * * *", restore_point: random }
  - slug: other
    backup: { type: dump, location: "file:///var/my%20backups/" }
    restore_only: true
  - slug: live
    connection: { uri: file:uri.txt }
    backup: { type: live }
checks:
  - { id: a, summary_sql: SELECT 1 AS n, expect: n == 1, timeout: 90s, database: x, read_only: true }
  - { id: b, summary_sql: SELECT 2 AS n, expect: n == 2 }
defaults: { kind: postgres, checks: [a], scratch: { pids: 32, cpus: 4 }, limits: { launch: 9m } }
scratch: { kind: bubblewrap, images: { postgres: "muster.test/postgres:{major}" } }
signing: { key: file:keys/muster.key }
evidence: { store: ./evidence, keyring: /srv/keys }
`;

  it('is in force with every key', () => {
    const config = load(FULL);
    const [shop, other, live] = config.sources;
    expect(shop).toMatchObject({
      database: 'shop',
      backup: {
        type: 'dump',
        place: { type: 'directory', location: '/etc/backups/shop' },
        match: 'prod_*.dump',
        tz: 'America/New_York',
      },
      image: 'postgres:17',
      scratch: { cpus: 1.5, memoryBytes: 4 * 1024 ** 3, diskBytes: 50e9, pids: 64 },
      limits: { locate: 5000, launch: 540_000, check: 30_000, drill: 2_073_600_000 },
      summaries: 'none',
    });
    expect(other).toMatchObject({
      backup: { place: { location: '/var/my backups' } },
      checks: [],
      restoreOnly: true,
      scratch: { cpus: 4, pids: 32 },
    });
    expect(live).toMatchObject({
      connection: { uri: { kind: 'file', path: '/etc/muster/uri.txt' } },
      restoreOnly: false,
    });
    expect(config).toMatchObject({
      scratch: {
        kind: 'bubblewrap',
        images: { postgres: 'muster.test/postgres:{major}', mongodb: 'mongo:{major}' },
      },
      signing: { key: { kind: 'file', path: '/etc/muster/keys/muster.key' } },
      evidence: {
        store: { type: 'directory', location: '/etc/muster/evidence' },
        keyring: '/srv/keys',
      },
    });
  });

  it('asks the checks in the order of the source, each with its own time limit or the one of the source', () => {
    expect(load(FULL).sources[0]?.checks.map(({ id, timeoutMs }) => [id, timeoutMs])).toEqual([
      ['b', 30_000],
      ['a', 90_000],
    ]);
  });

  it('is the same configuration when its description is read', () => {
    const { configSha256: _, ...config } = load(FULL);
    const { configSha256: __, ...again } = load(
      stringify(describeConfig({ ...config, configSha256: sha256('') })),
    );
    expect(again).toEqual(config);
  });

  it('is described with references in place of secrets', () => {
    const described = JSON.stringify(describeConfig(load(FULL)));
    expect(described).toContain('"uri":"file:/etc/muster/uri.txt"');
    expect(described).toContain('"key":"file:/etc/muster/keys/muster.key"');
  });
});

describe('backups in S3', () => {
  const given = (backup: string) => source(`checks: [c], backup: ${backup}`);
  const FULL = `{ type: dump, location: s3://back-ups/prod/daily/, match: "*.dump.age",
    s3: { endpoint: "https://s3.example.org", access_key_id: env:KEY_ID, secret_access_key: file:secret },
    decrypt: { age: file:age.key } }, limits: { fetch: 30m }`;

  it('have all their settings, what is secret as references', () => {
    const config = load(given(FULL));
    expect(config.sources[0]?.backup).toEqual({
      type: 'dump',
      place: {
        type: 's3',
        location: 's3://back-ups/prod/daily',
        bucket: 'back-ups',
        prefix: 'prod/daily',
        s3: {
          endpoint: 'https://s3.example.org',
          credentials: {
            accessKeyId: { kind: 'env', name: 'KEY_ID' },
            secretAccessKey: { kind: 'file', path: '/etc/muster/secret' },
          },
        },
      },
      match: '*.dump.age',
      decrypt: { age: { kind: 'file', path: '/etc/muster/age.key' } },
    });
    expect(config.sources[0]?.limits.fetch).toBe(1_800_000);
    expect(load(stringify(describeConfig(config))).sources).toEqual(config.sources);
  });

  it.each([
    ['{ type: dump, location: s3://ab }', 'backup.location'],
    ['{ type: dump, location: ., s3: {} }', 'backup.s3'],
    ['{ type: dump, location: s3://bucket, s3: { access_key_id: env:K } }', 'backup.s3.access_key_id'],
    ['{ type: dump, location: ., decrypt: { age: AGE-SECRET-KEY-1X } }', 'backup.decrypt.age'],
    ['{ type: live, decrypt: { age: file:k } }', 'backup.decrypt'],
  ])('as %s have a fault at %s', (backup, path) => {
    expect(faultsOf(given(backup))).toMatchObject([{ code: 'invalid', path: `sources[0].${path}` }]);
  });
});

describe('an evidence store in S3', () => {
  const given = (evidence: string) => `${source('checks: [c]')}evidence: ${evidence}`;
  const FULL = `{ keyring: keys, store: s3://evi-dence/a/b_c/, object_lock: { mode: compliance, days: 400 }, s3: {
    endpoint: "https://s3.example.org:9000", region: eu-west-3, path_style: false,
    access_key_id: env:KEY_ID, secret_access_key: file:secret } }`;

  it('has all its settings, its credentials as references', () => {
    const config = load(given(FULL));
    expect(config.evidence).toEqual({
      store: {
        type: 's3',
        location: 's3://evi-dence/a/b_c',
        bucket: 'evi-dence',
        prefix: 'a/b_c',
        s3: {
          endpoint: 'https://s3.example.org:9000',
          region: 'eu-west-3',
          pathStyle: false,
          credentials: {
            accessKeyId: { kind: 'env', name: 'KEY_ID' },
            secretAccessKey: { kind: 'file', path: '/etc/muster/secret' },
          },
        },
        objectLock: { mode: 'compliance', days: 400 },
      },
      keyring: '/etc/muster/keys',
    });
    expect(load(stringify(describeConfig(config))).evidence).toEqual(config.evidence);
  });

  it('needs nothing but a bucket', () => {
    const { evidence } = load(given('{ store: s3://bucket }'));
    expect(evidence).toEqual({
      store: { type: 's3', location: 's3://bucket', bucket: 'bucket', prefix: '', s3: {} },
    });
  });

  it.each([
    ['{ store: s3://ab }', 'store'],
    ['{ store: s3://Bucket }', 'store'],
    ['{ store: s3://bucket/a//b }', 'store'],
    ['{ store: s3://bucket/../b }', 'store'],
    ['{ store: "s3://bucket/a b" }', 'store'],
    ['{ store: s3://bucket, s3: { endpoint: s3.example.org } }', 's3.endpoint'],
    ['{ store: s3://bucket, s3: { endpoint: "https://s3.example.org/?x=1" } }', 's3.endpoint'],
    ['{ store: s3://bucket, s3: { endpoint: "ftp://s3.example.org" } }', 's3.endpoint'],
    ['{ store: s3://bucket, s3: { access_key_id: AKIA, secret_access_key: env:S } }', 's3.access_key_id'],
    ['{ store: s3://bucket, s3: { access_key_id: env:K } }', 's3.access_key_id'],
    ['{ store: s3://bucket, s3: { secret_access_key: env:S } }', 's3.secret_access_key'],
    ['{ store: s3://bucket, object_lock: { mode: COMPLIANCE, days: 7 } }', 'object_lock.mode'],
    ['{ store: s3://bucket, object_lock: { mode: governance, days: 0 } }', 'object_lock.days'],
    ['{ store: s3://bucket, object_lock: { mode: governance, days: 36501 } }', 'object_lock.days'],
    ['{ store: s3://bucket, object_lock: { mode: governance } }', 'object_lock.days'],
    ['{ store: ./evidence, s3: { region: x } }', 's3'],
    ['{ object_lock: { mode: governance, days: 7 } }', 'object_lock'],
  ])('of %s has a fault at %s', (evidence, path) => {
    expect(faultsOf(given(evidence))).toMatchObject([{ code: 'invalid', path: `evidence.${path}` }]);
  });

  it('never takes a credential in its endpoint, nor repeats it', () => {
    const faults = faultsOf(given('{ store: s3://bucket, s3: { endpoint: "https://me:s3cret@host" } }'));
    expect(faults).toMatchObject([{ path: 'evidence.s3.endpoint' }]);
    expect(JSON.stringify(faults)).not.toContain('s3cret');
  });
});

describe('the faults of a configuration', () => {
  it('are reported all at once, of every class, in the order of the file', () => {
    const text = `
sources:
  - slug: prod-db
    kidn: postgres
    kind: mongodb
    database: 5
    connection: { uri: "postgres://me:s3cret@host/db" }
    checks: [recent-order, a, a]
    schedule: "0 3 * *"
    limits: { restore: 4 hours, drill: 99d }
  - slug: prod-db
    kind: postgresql
    backup: { type: dump }
    checks: []
checks:
  - id: recent-orders
    summary_sql: SELECT 1 AS n
    expect: n > 100 and n < 5
  - { id: a, summary_sql: x, expect: "n > 'x'" }
  - { id: a, summary_find: { database: app }, expect: n >= 1, timeout: 5 }
evidence: { store: s3://x/y, store: y, keyring: s3://x/z }
`;
    expect(places(text)).toEqual([
      '4:5 unknown_key sources[0].kidn',
      '6:15 invalid sources[0].database',
      '7:24 invalid sources[0].connection.uri',
      '8:14 reference sources[0].checks[0]',
      '8:31 duplicate sources[0].checks[2]',
      '9:15 invalid sources[0].schedule',
      '10:24 invalid sources[0].limits.restore',
      '10:40 invalid sources[0].limits.drill',
      '11:11 duplicate sources[1].slug',
      '12:11 invalid sources[1].kind',
      '13:13 invalid sources[1].backup.location',
      '14:5 invalid sources[1].checks',
      '18:21 expect checks[0].expect',
      '19:43 expect checks[1].expect',
      '20:11 duplicate checks[2].id',
      '20:28 invalid checks[2].summary_find',
      '20:72 invalid checks[2].timeout',
      '21:20 invalid evidence.store',
      '21:30 duplicate evidence.store',
      '21:49 not_supported_yet evidence.keyring',
    ]);
  });

  it('suggest what a misspelt name may have meant', () => {
    const text = source('restore-only: true, chekcs: [c], checks: [d], scrach: {}');
    const messages = faultsOf(text)
      .map(({ message }) => message)
      .join('\n');
    expect(messages).toContain('unknown key restore-only. Did you mean restore_only?');
    expect(messages).toContain('unknown key chekcs. Did you mean checks?');
    expect(messages).toContain('unknown key scrach. Did you mean scratch?');
    expect(messages).toContain('there is no check d. Did you mean c?');
    expect(faultsOf(source('kind: x, checks: [c]').replace('kind: postgres', 'summaries: ful'))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ message: 'expected full or none. Did you mean full?' }),
      ]),
    );
  });

  it.each([
    ['api: { listen: 7655 }', 'api.listen', 'expected'],
    ['api: { listen: "localhost:70000" }', 'api.listen', 'expected HOST:PORT, [IPv6]:PORT or unix:/PATH'],
    ['api: { tokens: [{ name: ci, role: root, sha256: aa }] }', 'api.tokens[0].role', 'expected'],
    [
      `api: { tokens: [{ name: ci, role: viewer, sha256: aa }] }`,
      'api.tokens[0].sha256',
      '64 lower-case hex',
    ],
    [
      `api: { tokens: [{ name: ci, role: viewer, sha256: ${'a'.repeat(64)} }, { name: ci, role: admin, sha256: ${'b'.repeat(64)} }] }`,
      'api.tokens[1].name',
      'is already that of line',
    ],
  ])('tell what is wrong with "%s"', (keys, path, message) => {
    const faults = faultsOf(`${source('checks: [c]')}${keys}`);
    expect(faults).toEqual(
      expect.arrayContaining([expect.objectContaining({ path, message: expect.stringContaining(message) })]),
    );
  });

  it.each([
    'notifications: []',
    'telemetry: {}',
    'scratch: { kind: podman }',
    'scratch: { kind: uri }',
    'evidence: { keyring: s3://bucket/prefix }',
  ])('tell that "%s" is not supported yet', (keys) => {
    const faults = faultsOf(source('checks: [c]') + keys);
    expect(faults).toMatchObject([{ code: 'not_supported_yet', line: 6 }]);
    expect(faults[0]?.message).toMatch(/ is not supported yet$/);
  });

  it.each(['postgres:\u0024{major}', 'postgres:{majr}', 'a b'])(
    'tell that %s is no image for any version',
    (image) => {
      const text = `${source('restore_only: true')}scratch: { images: { postgres: "${image}" } }\n`;
      expect(faultsOf(text)).toMatchObject([
        { path: 'scratch.images.postgres', message: expect.stringContaining('such as postgres:{major}') },
      ]);
    },
  );

  it.each([
    ['checks: [c, 5]', 'sources[0].checks[1]'],
    ['checks: c', 'sources[0].checks'],
    ['checks: [c], restore_only: true', 'sources[0].restore_only'],
    ['checks: [c], database: ""', 'sources[0].database'],
    ['checks: [c], image: "a b"', 'sources[0].image'],
    ['checks: [c], image: "postgres:{major}"', 'sources[0].image'],
    ['checks: [c], scratch: { cpus: 0 }', 'sources[0].scratch.cpus'],
    ['checks: [c], scratch: { pids: 1.5 }', 'sources[0].scratch.pids'],
    ['checks: [c], scratch: { memory: 4 }', 'sources[0].scratch.memory'],
    ['checks: [c], scratch: { memory: 4G }', 'sources[0].scratch.memory'],
    ['checks: [c], limits: { drill: 25d }', 'sources[0].limits.drill'],
    ['checks: [c], limits:', 'sources[0].limits'],
    ['checks: [c], backup: { location: . }', 'sources[0].backup.type'],
    ['checks: [c], backup: { type: dump }', 'sources[0].backup.location'],
    ['checks: [c], backup: { type: live, location: . }', 'sources[0].backup.location'],
    ['checks: [c], backup: { type: dump, location: . , match: a/b }', 'sources[0].backup.match'],
    ['checks: [c], backup: { type: dump, location: "https://x/y" }', 'sources[0].backup.location'],
    ['checks: [c], backup: { type: dump, location: "file://x/y" }', 'sources[0].backup.location'],
    ['checks: [c], backup: { type: dump, location: "file:///%zz" }', 'sources[0].backup.location'],
  ])('are found in a source with "%s"', (keys, path) => {
    expect(faultsOf(source(keys))).toMatchObject([{ path, code: 'invalid' }]);
  });

  it.each(['A', '""', 'a_b', 'a/b', 'ä', `${'a'.repeat(101)}`])('are found in the slug %s', (slug) => {
    const text = source('checks: [c]').replace('slug: a', `slug: ${slug}`);
    expect(faultsOf(text)).toMatchObject([{ path: 'sources[0].slug', code: 'invalid' }]);
  });

  it('are found in a source that has nothing to test', () => {
    const text = 'sources: [{ slug: a, kind: postgres, restore_only: true }]';
    expect(faultsOf(text)).toMatchObject([
      { path: 'sources[0].backup', message: expect.stringContaining('or a connection') },
    ]);
    expect(faultsOf(`${text}\ndefaults: { backup: { type: live } }`)).toMatchObject([
      { path: 'sources[0].backup', message: 'a live dump needs a connection' },
    ]);
    expect(faultsOf(`${text}\ndefaults: { backup: { type: dump } }`)).toMatchObject([
      { path: 'defaults.backup.location' },
    ]);
    expect(faultsOf('sources: []')).toMatchObject([{ path: 'sources' }]);
    expect(faultsOf('checks: []')).toMatchObject([{ path: 'sources', message: 'sources is missing' }]);
    expect(faultsOf('sources: [5]')).toMatchObject([{ path: 'sources[0]', message: 'expected a mapping' }]);
  });

  it.each([
    ['expect: n == 1', 'checks[0]'],
    ['summary_sql: SELECT 1', 'checks[0].expect'],
    ['summary_sql: "", expect: n == 1', 'checks[0].summary_sql'],
    ['summary_sql: a, summary_find: { database: b }, expect: n == 1', 'checks[0].summary_find'],
    ['summary_find: { collection: a, filter: {} }, expect: n == 1', 'checks[0].summary_find.database'],
    ['summary_find: { database: a }, expect: n == 1', 'checks[0].summary_find'],
    ['summary_find: { database: a, collection: b }, expect: n == 1', 'checks[0].summary_find'],
    ['summary_find: { database: a, filter: {} }, expect: n == 1', 'checks[0].summary_find.collection'],
    [
      'summary_find: { database: a, collection: b, filter: [] }, expect: n == 1',
      'checks[0].summary_find.filter',
    ],
    [
      'summary_find: { database: a, collection: b, aggregate: {} }, expect: n == 1',
      'checks[0].summary_find.aggregate',
    ],
    [
      'summary_find: { database: a, collection: b, aggregate: [5] }, expect: n == 1',
      'checks[0].summary_find.aggregate[0]',
    ],
    [
      'summary_find: { database: a, collection: b, filter: {}, aggregate: [] }, expect: n == 1',
      'checks[0].summary_find.aggregate',
    ],
    [
      'summary_find: { database: a, list_collections: false }, expect: n == 1',
      'checks[0].summary_find.list_collections',
    ],
    [
      'summary_find: { database: a, list_collections: true, collection: b }, expect: n == 1',
      'checks[0].summary_find.collection',
    ],
    [
      'summary_find: { database: a, list_collections: true }, database: b, expect: n == 1',
      'checks[0].database',
    ],
    ['summary_sql: a, expect: n == 1, timeout: 0s', 'checks[0].timeout'],
    ['summary_sql: a, expect: n == 1, read_only: "true"', 'checks[0].read_only'],
    ['summary_sql: a, expect: orders.n == 1', 'checks[0].expect'],
  ])('are found in a check with "%s"', (keys, path) => {
    expect(faultsOf(check(keys)).map((fault) => fault.path)).toEqual([path]);
  });

  it('tell which check is for another kind of source', () => {
    const text = source('checks: [c]').replace(
      'summary_sql: SELECT 1 AS n',
      'summary_find: { database: a, list_collections: true }',
    );
    expect(faultsOf(text)).toMatchObject([{ path: 'sources[0].checks[0]', code: 'reference', line: 3 }]);
  });

  it('point at the character of an expect sentence, where it stands in the file as it is', () => {
    const at = (sentence: string) =>
      faultsOf(check(`summary_sql: a, expect: ${sentence}`)).map(({ line, column }) => `${line}:${column}`);
    expect(at('n = 1')).toEqual(['4:40']);
    expect(at('"n = 1"')).toEqual(['4:41']);
    expect(at("'n = 1'")).toEqual(['4:41']);
    expect(at('"n\\t= 1"')).toEqual(['4:38']);
  });

  it('quote nothing that may be a secret', () => {
    const secret = 'hunter2';
    const texts = [
      source(`checks: [c]`).replace('env:A', `postgres://me:${secret}@host/db`),
      source(`checks: [c]`).replace('env:A', `"postgres://host/db?user=a&password=${secret}"`),
      source(`checks: [c]`).replace('env:A', `host=a password=${secret}`),
      source(`checks: [c]`).replace('env:A', secret),
      source(`checks: [c], "postgres://me:${secret}@host": 1`),
      source(`checks: [c], scratch: { memory: ${secret} }, summaries: ${secret}`),
      `signing: { key: "-----BEGIN ${secret}" }`,
      `redis: { url: "redis://:${secret}@host" }`,
      `sources: "${secret}\n  ${secret}: [`,
      `*${secret}`,
      `!!${secret} a`,
      check(`summary_sql: ${secret}, expect: "${secret}"`),
      check(`summary_sql: a, expect: "n == ${secret}"`),
    ];
    for (const text of texts) {
      const faults = faultsOf(text);
      expect(faults.length).toBeGreaterThan(0);
      expect(JSON.stringify(faults)).not.toContain(secret);
    }
  });

  it('say of a password in a URI that it does not belong there, also under keys that are not built yet', () => {
    const text = `${source('checks: [c]')}notifications: [{ url: "https://me:pw@host" }]`;
    expect(faultsOf(text)).toMatchObject([
      { path: 'notifications', code: 'not_supported_yet' },
      { path: 'notifications[0].url', message: expect.stringContaining('a password is written here') },
    ]);
  });

  it('do not arise from what a check asks', () => {
    const sql = 'summary_sql: "SELECT $$postgres://a:b@c$$ AS url", expect: url == "postgres://a:b@c"';
    expect(faultsOf(check(sql))).toEqual([]);
  });
});

describe('objectives', () => {
  const objectivesOf = (text: string) => load(text).sources.map(({ objectives }) => objectives);
  const withObjectives = (written: string) => `${SMALL}defaults: { objectives: ${written} }\n`;

  it('are enforced as to the data that may be lost, and further only where that is said', () => {
    expect(objectivesOf(withObjectives('{ rto: 1h, rpo: 400d }'))).toEqual([
      { rtoMs: 3_600_000, rpoMs: 34_560_000_000, enforce: 'rpo' },
    ]);
    expect(objectivesOf(withObjectives('{ rto: 90s, enforce: all }'))).toEqual([
      { rtoMs: 90_000, enforce: 'all' },
    ]);
    expect(objectivesOf(SMALL)).toEqual([undefined]);
  });

  it.each([
    ['{}', 'objectives need an rto, an rpo or both'],
    ['{ enforce: all }', 'objectives need an rto, an rpo or both'],
    ['{ rpo: 26 hours }', 'expected a duration such as 90s'],
    ['{ rpo: 26h, enforce: false }', 'expected rpo or all or none'],
    ['{ rpoo: 26h, rto: 1h }', 'unknown key rpoo. Did you mean rpo?'],
  ])('written %s are told what was expected', (written, message) =>
    expect(
      faultsOf(withObjectives(written))
        .map((fault) => fault.message)
        .join('; '),
    ).toContain(message),
  );
});

describe('schedules', () => {
  const scheduled = (keys: string) => source(`backup: { type: dump, location: b }, checks: [c], ${keys}`);
  const schedulesOf = (keys: string) => {
    const parsed = parseConfig(scheduled(keys), { file: 'muster.yaml', baseDirectory: '/etc' });
    return parsed.ok ? parsed.config.sources[0]?.schedules : parsed.faults;
  };

  it('in short are one, named default, in UTC', () => {
    expect(schedulesOf('schedule: "0 3 * * *"')).toEqual([
      {
        name: 'default',
        cron: '0 3 * * *',
        tz: 'UTC',
        restorePoint: { kind: 'latest' },
        present: [],
        absent: [],
        jitterMs: 0,
        overrun: 'skip',
      },
    ]);
  });

  it('in full say all of it', () => {
    const keys =
      'schedules: [{ name: a, cron: "5 4 * * 0", tz: Europe/Paris, restore_point: { id: x }, jitter: 30m, overrun: wait }]';
    expect(schedulesOf(keys)).toEqual([
      {
        name: 'a',
        cron: '5 4 * * 0',
        tz: 'Europe/Paris',
        restorePoint: { kind: 'id', id: 'x' },
        present: [],
        absent: [],
        jitterMs: 1_800_000,
        overrun: 'wait',
      },
    ]);
  });

  it('of a source that is dumped live are of the latest alone', () => {
    const live = (point: string) =>
      source(`checks: [c], schedules: [{ name: a, cron: "0 3 * * *", restore_point: ${point} }]`);
    const message = 'a source that is dumped live keeps no backups: it has only the latest';
    expect(faultsOf(live('latest'))).toEqual([]);
    expect(faultsOf(live('random'))).toMatchObject([
      { message, path: 'sources[0].schedules[0].restore_point' },
    ]);
    expect(faultsOf(live('{ time: "-2h" }'))).toMatchObject([{ message }]);
    const schedules = 'schedules: [{ name: a, cron: "0 3 * * *", restore_point: oldest }]';
    expect(faultsOf(`${source('checks: [c]')}defaults: { ${schedules} }`)).toMatchObject([{ message }]);
    expect(faultsOf(`${source('checks: [c], schedule: "0 3 * * *"')}defaults: { ${schedules} }`)).toEqual([]);
  });

  it.each([
    ['oldest', { kind: 'oldest' }],
    ['random', { kind: 'random' }],
    ['{ random: { days: 14 } }', { kind: 'random', days: 14 }],
    ['{ time: "-2h" }', { kind: 'time', time: '-2h' }],
    ['{ time: 2026-11-20T03:00:00Z }', { kind: 'time', time: '2026-11-20T03:00:00Z' }],
  ])('may restore %s', (written, restorePoint) =>
    expect(
      schedulesOf(`schedules: [{ name: a, cron: "0 3 * * *", restore_point: ${written} }]`),
    ).toMatchObject([{ restorePoint }]),
  );

  it.each([
    ['schedule: "0 3 * *"', 'five fields'],
    ['schedule: "0 0 3 * * *"', 'five fields'],
    ['schedule: "@daily"', 'five fields'],
    ['schedule: "H 3 * * *"', 'H is no minute (0-59, with * , - and /)'],
    ['schedule: "*/0 3 * * *"', '*/0 is no minute'],
    ['schedule: "5;1 3 * * *"', 'the minute is none'],
    ['schedule: "61 3 * * *"', '61 is no minute (0-59'],
    ['schedule: "0 24 * * *"', '24 is no hour (0-23'],
    ['schedule: "0 3 1W * *"', '1W is no day of month (1-31'],
    ['schedule: "0 3 * fri *"', 'fri is no month (1-12 or jan-dec'],
    ['schedule: "0 3 * * jan"', 'jan is no day of week (0-7 or sun-sat'],
    ['schedule: "0 3 * * 5-"', '5- is no day of week'],
    ['schedule: "0 3 30 2 *"', 'due at some time'],
    ['schedule: "0 3 31 4,6 *"', 'due at some time'],
    ['schedules: [{ name: a, cron: "0 3 * * *", tz: Mars/Base }]', 'a time zone such as'],
    ['schedules: [{ name: a, cron: "0 3 * * *", tz: "+02:00" }]', 'a time zone such as'],
    ['schedules: [{ name: a, cron: "0 3 * * *", tz: Australia/LHI }]', 'Lord Howe'],
    ['schedules: [{ cron: "0 3 * * *" }]', 'name is missing'],
    ['schedules: [{ name: a, cron: "0 3 * * *", overrun: kill }]', 'expected skip or wait'],
    ['pool: EU', 'lower-case letters'],
    ['schedules: [{ name: A b, cron: "0 3 * * *" }]', 'lower-case letters'],
    ['schedules: [{ name: a, cron: "0 3 * * *", jitter: 25h }]', '24h at most'],
    ['schedules: [{ name: a, cron: "0 3 * * *" }, { name: a, cron: "0 4 * * *" }]', 'already'],
    ['schedule: "0 3 * * *", schedules: [{ name: a, cron: "0 4 * * *" }]', 'exclude each other'],
    [
      'schedules: [{ name: a, cron: "0 3 * * *", restore_point: { xid: 5 } }]',
      'xid is a point in WAL, which a dump has not',
    ],
    [
      'schedules: [{ name: a, cron: "0 3 * * *", restore_point: { time: "2h" } }]',
      'expected latest, oldest, random',
    ],
    [
      'schedules: [{ name: a, cron: "0 3 * * *", restore_point: { random: { days: 0 } } }]',
      'expected a number above 0',
    ],
  ])('as %s are told what was expected', (keys, message) => {
    const faults = faultsOf(scheduled(keys));
    expect(faults.map((fault) => fault.message).join('; ')).toContain(message);
    expect(faults).toHaveLength(1);
  });

  it.each([
    '0 3 L * *',
    '0 3 * * mon-FRI',
    '0 3 * JAN,feb *',
    '*/15 0-6 1,15 * 5#3',
    '0 3 * * 5L',
    '0 3 29 2 *',
  ])('may say %s', (cron) => expect(faultsOf(scheduled(`schedule: "${cron}"`))).toEqual([]));

  it('with faults are told where, all at once', () => {
    const text = `${SMALL}
defaults:
  schedules:
    - { name: a, cron: 0 3 * *, tz: Mars/Base }
redis: { url: redis://localhost }
`;
    const [line] = text.split('\n').flatMap((one, index) => (one.includes('name: a,') ? [index + 1] : []));
    expect(places(text)).toEqual([
      `${line}:24 invalid defaults.schedules[0].cron`,
      `${line}:37 invalid defaults.schedules[0].tz`,
      `${Number(line) + 1}:15 invalid redis.url`,
    ]);
  });

  it('of defaults are those of each source that has none of its own, in either form', () => {
    const text = `
defaults: { schedules: [{ name: a, cron: 0 1 * * * }], pool: eu, restore_only: true, kind: postgres, backup: { type: dump, location: d } }
sources:
  - { slug: inherits }
  - { slug: short, schedule: 0 2 * * *, pool: us }
  - { slug: none, schedules: [] }
`;
    const inForce = load(text).sources.map(({ pool, schedules }) => [
      pool,
      ...schedules.map(({ cron }) => cron),
    ]);
    expect(inForce).toEqual([['eu', '0 1 * * *'], ['us', '0 2 * * *'], ['eu']]);
  });
});

it('the document of a configuration, parsed again, is the same configuration', () => {
  const text = `
sources: [{ slug: m, kind: postgres, backup: { type: dump, location: d }, checks: [c], schedule: "0 3 * * *" }]
checks:
  - { id: c, summary_sql: "SELECT 1 AS n", expect: "n == 1" }
  - { id: f, summary_find: { database: a, collection: c, filter: { z: 1, 10: 2, a: 3 } }, expect: "n == 1" }
redis: { url: env:REDIS }
`;
  const where = { file: 'muster.yaml', baseDirectory: '/etc' };
  const first = parseConfig(text, where);
  if (!first.ok) throw new Error(JSON.stringify(first.faults));
  const again = parseConfig(first.document, where);
  expect(again).toEqual(first);
  const order = (parsed: typeof first): unknown => {
    const question = parsed.config.checks[1]?.question;
    const filter = question?.kind === 'mongodb' ? question.summaryFind.get('filter') : undefined;
    return filter instanceof Map ? [...filter.keys()] : filter;
  };
  expect(order(first)).toEqual(['z', '10', 'a']);
  expect(again.ok && order(again)).toEqual(['z', '10', 'a']);
});

it('a key that was not indented under its holder is told where it belongs', () => {
  const text =
    'sources:\n- slug: a\n  kind: postgres\n  restore_only: true\n  backup:\n  type: dump\n  location: x\n';
  expect(faultsOf(text).map(({ line, message }) => `${line} ${message}`)).toEqual([
    '5 backup has no value',
    '6 type belongs to backup: indent it further than backup',
    '7 location belongs to backup: indent it further than backup',
  ]);
});

describe('YAML', () => {
  it('has one fault for each line that cannot be read', () =>
    expect(places('sources:\n  - slug: a\n\tkind: postgres\n    checks: []\n')).toEqual(['3:1 yaml ']));

  it.each([
    ['', '1:1 invalid '],
    ['# nothing\n', '1:1 invalid '],
    ['[]', '1:1 invalid '],
    ['a: [1, 2', '1:9 yaml '],
    ['a: "x', '1:6 yaml '],
    ['sources:\n\t- a', '2:1 yaml '],
    ['a: 1\n---\nb: 2', '2:1 yaml '],
    ['%YAML 1.1\n---\na: yes', '1:1 yaml '],
    ['a: !!binary aGk=', '1:4 yaml '],
  ])('%j has one fault, with its place', (text, place) => {
    expect(places(text)).toEqual([place]);
  });

  it.each([
    ['a: *b', 'a', 'no such anchor'],
    ['a: &a [*a]', 'a[0]', 'part of what it stands for'],
    ['? [1]\n: 2', '', 'plain name'],
    ['a: 1\na: 2', 'a', 'stands twice'],
    ['1: 1\n"1": 2', '1', 'stands twice'],
    ['a: .nan', 'a', 'no NaN'],
    ['a: 1e999', 'a', 'no infinity'],
    ['a: -9007199254740993', 'a', '$numberLong'],
    ['a: "\\ud800"', 'a', 'surrogate'],
  ])('%j holds what JSON cannot', (text, path, message) => {
    expect(faultsOf(text)).toEqual(
      expect.arrayContaining([expect.objectContaining({ path, message: expect.stringContaining(message) })]),
    );
  });

  it('may use aliases', () => {
    const config = load(
      source('checks: &c [c], limits: &l { restore: 1h }').replace(
        'checks:\n',
        'defaults: { limits: *l }\nchecks:\n',
      ),
    );
    expect(config.sources[0]?.limits.restore).toBe(3_600_000);
  });

  it('that is a bomb of aliases is refused at once', () => {
    const levels = 'bcdefghijk'.split('').map((key, index) => {
      const previous = 'abcdefghijk'[index];
      return `${key}: &${key} [${Array(10).fill(`*${previous}`).join(', ')}]`;
    });
    const bomb = `a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]\n${levels.join('\n')}`;
    expect(faultsOf(bomb).filter(({ code }) => code === 'yaml')).toMatchObject([
      { message: expect.stringContaining('aliases of this file stand for too much') },
    ]);
    const long = `a: &a ${'x'.repeat(100_000)}\nb: [${Array(1000).fill('*a').join(', ')}]`;
    expect(faultsOf(long).filter(({ code }) => code === 'yaml')).toHaveLength(1);
  });

  it('that is nested without end is refused', () => {
    for (const depth of [150, 5000, 200_000]) {
      expect(faultsOf('['.repeat(depth) + ']'.repeat(depth))).toContainEqual(
        expect.objectContaining({ message: 'the file is nested too deeply' }),
      );
    }
  });

  it('of any kind is answered and never thrown at', () => {
    const near = fc.string({
      unit: fc.constantFrom(
        'sources',
        'checks',
        ': ',
        '\n',
        '  ',
        '- ',
        '&a ',
        '*a',
        '[',
        ']',
        '{',
        '}',
        '"',
        "'",
        '|',
        '!',
        '#',
        '? ',
        '%',
        '1',
        '\t',
      ),
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        expect(parseConfig(text, options).ok).toBe(false);
      }),
    );
  });
});

describe('summary_find', () => {
  const find = (value: string) => check(`summary_find: ${value}, expect: n == 1`);

  it('keeps the order of its keys, integer-like ones too, and so its hash', () => {
    const [first] = load(
      find('{ database: d, collection: c, aggregate: [{ $sort: { "2": 1, "10": 1, 1: -1 } }] }'),
    ).checks;
    expect(first && checkSha256(first)).toBe(
      sha256('{"aggregate":[{"$sort":{"2":1,"10":1,"1":-1}}],"collection":"c","database":"d"}'),
    );
  });

  it('holds integers up to 2^53 and names $numberLong for those beyond', () => {
    expect(faultsOf(find('{ database: d, collection: c, filter: { n: 9007199254740992 } }'))).toEqual([]);
    expect(faultsOf(find('{ database: d, collection: c, filter: { n: 9007199254740993 } }'))).toMatchObject([
      { path: 'checks[0].summary_find.filter.n', message: expect.stringContaining('{ "$numberLong": "…" }') },
    ]);
    expect(
      faultsOf(find('{ database: d, collection: c, filter: { n: { $numberLong: "9007199254740993" } } }')),
    ).toEqual([]);
  });

  it('may hold keys that JavaScript objects trip over', () => {
    const [first] = load(
      find('{ database: d, collection: c, filter: { __proto__: 1, constructor: 2 } }'),
    ).checks;
    expect(first && checkSha256(first)).toBe(
      sha256('{"collection":"c","database":"d","filter":{"__proto__":1,"constructor":2}}'),
    );
  });
});
