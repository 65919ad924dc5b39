import { existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Isolation, type ProjectOptions, projectOfEachTest } from '../support/drill-project.ts';
import { type DumpFormat, type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn, describeIn } from '../support/needs.ts';

const ISOLATIONS: readonly Isolation[] = ['docker', 'bubblewrap'];
const FORMATS: readonly DumpFormat[] = ['custom', 'tar', 'directory', 'plain'];
/** Real dumps that others made; without them these tests are not there at all: they are extra. */
const SHARED = join(process.cwd(), '../shared/data');

type Checks = NonNullable<ProjectOptions['checks']>;

const CHECKS: Readonly<Record<string, Checks>> = {
  pagila: {
    films: ['SELECT COUNT(*) AS n FROM film', 'n == 1000'],
    payments: ['SELECT SUM(amount) AS total FROM payment', 'total == 67416.51'],
    partitions: ["SELECT COUNT(*) AS n FROM pg_inherits WHERE inhparent = 'payment'::regclass", 'n >= 6'],
    'full-text': ["SELECT COUNT(*) AS n FROM film WHERE fulltext @@ to_tsquery('fate & india')", 'n > 0'],
    'rating-enum': ['SELECT rating FROM film WHERE film_id = 1', "rating == 'PG'"],
    'non-ascii-domain': ["SELECT COUNT(*) AS n FROM pg_type WHERE typname = 'bıgınt'", 'n == 1'],
    triggers: ['SELECT COUNT(*) AS n FROM pg_trigger WHERE NOT tgisinternal', 'n > 10'],
  },
  chinook: {
    tracks: ['SELECT COUNT(*) AS n FROM "Track"', 'n == 3503'],
    'non-ascii-name': [
      `SELECT "Name" FROM "Artist" WHERE "ArtistId" = 6`,
      `"Name" == 'Ant\uFFFDnio Carlos Jobim'`,
    ],
    invoices: ['SELECT SUM("Total") AS "Sum" FROM "Invoice"', '"Sum" == 2328.6'],
  },
};

const drillProject = projectOfEachTest();
let dumps: string;
let server: DumpServer;
beforeAll(async () => {
  dumps = await mkdtemp(join(tmpdir(), 'muster-healthy-'));
  server = await dumpServer(15);
});
afterAll(async () => {
  await server?.close();
  await rm(dumps, { recursive: true, force: true });
});

async function drill(isolation: Isolation, dump: string, checks: Checks, name = 'shop.dump') {
  const project = await drillProject({ isolation, checks });
  await cp(dump, join(project.dumps, name), { recursive: true });
  return await project.drill();
}

const allPass = (checks: Checks) => Object.keys(checks).map((id) => ({ id, verdict: 'pass' }));

describe.runIf(existsSync(SHARED) && canRunIn('docker')).each(['pagila', 'chinook'] as const)(
  '%s, a real dump',
  (name) => {
    const checks = CHECKS[name] ?? {};
    const original = join(SHARED, `${name}.sql`);
    beforeAll(async () => {
      await server.sql('postgres', `CREATE DATABASE ${name}`);
      await server.load(name, original);
      for (const format of FORMATS) await server.dump(name, format, join(dumps, `${name}-${format}`));
    });

    describeIn(ISOLATIONS, 'in %s', (isolation) => {
      it('as it is', async () => {
        const drilled = await drill(isolation, original, checks, 'shop.sql');
        expect(drilled.predicate?.checks).toMatchObject(allPass(checks));
        expect(drilled).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
      });

      it.each(FORMATS)('dumped anew in the %s format', async (format) => {
        const drilled = await drill(isolation, join(dumps, `${name}-${format}`), checks);
        expect(drilled.predicate?.checks).toMatchObject(allPass(checks));
        expect(drilled).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
      });
    });
  },
);

describeIn(ISOLATIONS, 'a dump that only its owner can read is restored all the same (%s)', (isolation) => {
  it.each(FORMATS)('in the %s format', async (format) => {
    const dump = join(dumps, `private-${isolation}-${format}`);
    await server.sql('postgres', 'DROP DATABASE IF EXISTS private');
    await server.sql('postgres', 'CREATE DATABASE private');
    await server.dump('private', format, dump);
    await closeToOthers(dump);
    expect(await drill(isolation, dump, { one: ['SELECT 1 AS n', 'n == 1'] })).toMatchObject({
      exitCode: 0,
      predicate: { result: 'pass' },
    });
  });
});

async function closeToOthers(path: string): Promise<void> {
  const inside = (await stat(path)).isDirectory() ? await readdir(path) : [];
  for (const name of inside) await chmod(join(path, name), 0o600);
  await chmod(path, inside.length > 0 ? 0o700 : 0o600);
}

describeIn(ISOLATIONS, 'encodings and locales come back as they were (%s)', (isolation) => {
  it.each([
    ['LATIN1', "ENCODING 'LATIN1' LOCALE 'C'", 'LATIN1', 'C'],
    ['SQL_ASCII', "ENCODING 'SQL_ASCII' LOCALE 'C'", 'SQL_ASCII', 'C'],
    ['a C locale', "ENCODING 'UTF8' LOCALE 'C'", 'UTF8', 'C'],
    [
      'an ICU locale',
      "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'",
      'UTF8',
      'C.UTF-8',
    ],
  ])('%s', async (name, clause, encoding, collate) => {
    const database = name.toLowerCase().replaceAll(' ', '_');
    const dump = join(dumps, `${isolation}-${database}`);
    await server.sql('postgres', `CREATE DATABASE ${database} TEMPLATE template0 ${clause}`);
    const zoë = encoding === 'LATIN1' ? '5a6feb' : '5a6fc3ab';
    await server.sql(
      database,
      `CREATE TABLE names AS SELECT convert_from('\\x${zoë}', '${encoding}') AS name`,
    );
    await server.dump(database, 'custom', dump);
    await server.sql('postgres', `DROP DATABASE ${database}`);
    const checks: Checks = {
      encoding: [
        'SELECT pg_encoding_to_char(encoding)::text AS e FROM pg_database WHERE datname = current_database()',
        `e == '${encoding}'`,
      ],
      collate: [
        'SELECT datcollate::text AS c FROM pg_database WHERE datname = current_database()',
        `c == '${collate}'`,
      ],
      bytes: [
        "SELECT encode(convert_to(name, pg_encoding_to_char(encoding)), 'hex') AS h FROM names, pg_database WHERE datname = current_database()",
        `h == '${zoë}'`,
      ],
    };
    const drilled = await drill(isolation, dump, checks);
    expect(drilled.predicate?.checks).toMatchObject(allPass(checks));
    expect(drilled).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
  });
});
