import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpFormat, type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { type EngineBench, engineBench, type Place } from '../support/engine-bench.ts';
import { describeIn, majorOf } from '../support/needs.ts';

const run = promisify(execFile);
const FORMATS: readonly DumpFormat[] = ['custom', 'tar', 'directory', 'plain'];
const SHARED = join(process.cwd(), '../shared/data');
const number = (text: string) => ({ kind: 'number', text });
const n = (text: string) => ({ kind: 'row', row: { columns: [{ name: 'n', value: number(text) }] } });

const PLACES: readonly Place[] = ['docker 17', 'docker 15', 'docker 15 by the bridge', 'bubblewrap 15'];

let dumps: string;
const servers = new Map<15 | 17, DumpServer>();
beforeAll(async () => {
  dumps = await mkdtemp(join(tmpdir(), 'muster-restore-'));
  for (const major of [15, 17] as const) {
    const server = await dumpServer(major);
    servers.set(major, server);
    await fillSample(server, 'sample db');
    for (const format of FORMATS) {
      const path = join(dumps, `${major}.${format}`);
      await server.dump('sample db', format, path);
      if (format !== 'directory') {
        await run('sh', ['-c', 'gzip -k "$1" && zstd -qk "$1"', 'sh', path]);
      }
    }
  }
});
afterAll(async () => {
  for (const server of servers.values()) await server.close();
  await rm(dumps, { recursive: true, force: true });
});

describeIn(PLACES, 'a healthy dump in %s', (place) => {
  const major = majorOf(place);
  let bench: EngineBench;
  beforeAll(async () => {
    bench = await engineBench(place);
  });
  afterAll(() => bench?.close());

  const forms = [
    ...FORMATS,
    ...['custom', 'tar', 'plain'].flatMap((format) => [`${format}.gz`, `${format}.zst`]),
  ];
  it.each(forms)('of the form %s is restored whole', async (form) => {
    await bench.restored(join(dumps, `${major}.${form}`), async ({ ask, report, database }) => {
      expect(report.warnings).toEqual([]);
      expect(database).toBe(form.startsWith('plain') ? 'restored' : 'sample db');
      expect(await ask(database, 'SELECT count(*) AS n FROM shop.item')).toEqual(n('2008'));
      expect(await ask(database, 'SELECT count(*) AS n FROM pg_largeobject_metadata')).toEqual(n('2'));
      expect(await ask(database, "SELECT count(*) AS n FROM pg_policies WHERE tablename = 'item'")).toEqual(
        n('1'),
      );
      expect(
        await ask(
          database,
          "SELECT count(*) AS n FROM pg_tables WHERE tablename = 'item' AND tableowner = 'app_owner'",
        ),
      ).toEqual(n('1'));
      expect(
        await ask(
          database,
          "SELECT count(*) AS n FROM pg_roles WHERE rolname = 'app_owner' AND NOT rolcanlogin",
        ),
      ).toEqual(n('1'));
      // A property of the database: pg_dump tells it except in a plain dump without --create.
      if (!form.startsWith('plain'))
        expect(await ask(database, 'SELECT count(*) AS n FROM item')).toEqual(n('2008'));
    });
  });
});

describe.runIf(existsSync(SHARED)).each(['pagila', 'chinook'] as const)('the real dump %s', (name) => {
  const counting = `SELECT count(*) AS n FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`;
  let expected = '';
  beforeAll(async () => {
    const server = servers.get(15);
    if (server === undefined) throw new Error('no server to dump from');
    await server.sql('postgres', `CREATE DATABASE ${name}`);
    await server.load(name, join(SHARED, `${name}.sql`));
    for (const format of FORMATS) await server.dump(name, format, join(dumps, `${name}.${format}`));
    expected = (await server.sql(name, counting)).trim();
  });

  describeIn(['docker 15', 'bubblewrap 15'], 'in %s', (place) => {
    let bench: EngineBench;
    beforeAll(async () => {
      bench = await engineBench(place);
    });
    afterAll(() => bench?.close());

    it.each(['as it is', ...FORMATS])('restores clean: %s', async (form) => {
      const path = form === 'as it is' ? join(SHARED, `${name}.sql`) : join(dumps, `${name}.${form}`);
      await bench.restored(path, async ({ ask, report, database }) => {
        expect(report.warnings).toEqual([]);
        expect(await ask(database, counting)).toEqual(n(expected));
      });
    });
  });
});
