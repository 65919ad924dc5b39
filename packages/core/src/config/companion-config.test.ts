import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Companion } from './config.js';
import { describeConfig } from './describe-config.js';
import { parseConfig } from './parse-config.js';

const where = { file: 'muster.yaml', baseDirectory: '/etc/muster' };

const text = (companions: string, { kind = 'postgres', rest = '' } = {}) =>
  `sources:
  - { slug: shop, kind: ${kind}, restore_only: true, backup: { type: dump, location: d }, companions: ${companions} }
${rest}`;

function load(written: string): { companions: readonly Companion[] | undefined; again: string } {
  const parsed = parseConfig(written, where);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return {
    companions: parsed.config.sources[0]?.companions,
    again: stringify(describeConfig(parsed.config)),
  };
}

const faultsOf = (written: string) => {
  const parsed = parseConfig(written, where);
  return parsed.ok ? [] : parsed.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`);
};

const to = (path: string): string => `[{ from: f, to: ${JSON.stringify(path)} }]`;

describe('the companions of a source', () => {
  it.each([
    ['[]', []],
    [
      '[{ from: models, to: /var/lib/postgresql/.cache/ }]',
      [{ from: { type: 'directory', location: '/etc/muster/models' }, to: '/var/lib/postgresql/.cache' }],
    ],
    [
      '[{ from: "s3://models/cache/", to: /models, s3: { endpoint: "http://s3.test" } }]',
      [
        {
          from: {
            type: 's3',
            location: 's3://models/cache',
            bucket: 'models',
            prefix: 'cache',
            s3: { endpoint: 'http://s3.test' },
          },
          to: '/models',
        },
      ],
    ],
  ])('load, and are described as they are: %s', (companions, expected) => {
    const { companions: loaded, again } = load(text(companions));
    expect(loaded).toEqual(expected);
    expect(load(again).companions).toEqual(expected);
    expect(load(text(companions, { kind: 'mongodb' })).companions).toEqual(expected);
  });

  it('are those of the defaults where the source has none', () => {
    const written = text('[]').replace(', companions: []', '');
    const { companions } = load(`${written}defaults: { companions: ${to('/models')} }`);
    expect(companions).toMatchObject([{ to: '/models' }]);
  });

  it.each([
    '/models',
    '/opt/models',
    '/database',
    '/var/lib/postgresql/.cache',
    '/tmp/model',
    '/usr/share/postgresql/17/tsearch_data/shop.stop',
    '/usr/share/tessdata',
  ])('may lie at %s', (path) => expect(faultsOf(text(to(path)))).toEqual([]));

  it.each([
    ['models', 'expected an absolute path in the scratch'],
    ['/models/../etc', 'expected a path without empty steps, . and ..'],
    ['/models//x', 'expected a path without empty steps, . and ..'],
    ['/models/.', 'expected a path without empty steps, . and ..'],
    ['/mod\nels', 'expected an absolute path in the scratch'],
    ['/', 'the server needs what is in /: name a place below it'],
    ['/usr/share/', 'the server needs what is in /usr/share: name a place below it'],
    ['/var/lib/postgresql', 'the server needs what is in /var/lib/postgresql: name a place below it'],
    ['/proc/1', 'the server needs /proc as it is: choose another place'],
    ['/dev', 'the server needs /dev as it is: choose another place'],
    ['/etc/passwd', 'the server needs /etc as it is: choose another place'],
    ['/data/x', 'the server needs /data as it is: choose another place'],
    ['/sock', 'the server needs /sock as it is: choose another place'],
    ['/muster/backup', 'the server needs /muster as it is: choose another place'],
    ['/usr/lib/postgresql/17/bin/postgres', 'the server needs /usr/lib as it is: choose another place'],
    ['/bin/sh', 'the server needs /bin as it is: choose another place'],
    ['/usr/share/postgresql/17/tsearch_data', 'name each file by itself'],
    ['/usr/share/postgresql/17', 'name each file by itself'],
  ])('do not lie at %j', (path, message) => {
    expect(faultsOf(text(to(path)))).toEqual([expect.stringContaining(message)]);
  });

  it('each have a place of their own, told where the second stands', () => {
    const three = `
      - { from: a, to: /models }
      - { from: b, to: /models/ }
      - { from: c, to: /models/x }`;
    const written = `sources:
  - slug: shop
    kind: postgres
    restore_only: true
    backup: { type: dump, location: d }
    companions:${three}
`;
    expect(faultsOf(written)).toEqual([
      '8 sources[0].companions[1].to: another companion of the source has this place',
      '9 sources[0].companions[2].to: one companion of the source would lie in another: give each a place of its own',
    ]);
    expect(
      faultsOf(`${text('[]')}defaults: { companions: [{ from: a, to: /m/x }, { from: b, to: /m }] }`),
    ).toEqual([expect.stringContaining('defaults.companions[1].to: one companion')]);
  });

  it('have settings of S3 only in S3, and no half of a credential', () => {
    expect(faultsOf(text('[{ from: a, to: /a, s3: { region: r } }]'))).toEqual([
      expect.stringContaining('s3 is only for a from in S3'),
    ]);
    expect(faultsOf(text('[{ from: "s3://models", to: /a, s3: { access_key_id: env:A } }]'))).toEqual([
      expect.stringContaining('access_key_id needs secret_access_key beside it'),
    ]);
  });
});
