import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isMusterError } from '@muster/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainFilter } from '../../packages/engines/src/postgres/plain/plain-filter.js';
import { type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';

/** The random word of `\restrict` aside, equal databases have equal dumps. */
const comparable = async (path: string): Promise<string> =>
  (await readFile(path, 'latin1')).replace(/^\\(un)?restrict .*$/gm, '');

describe.runIf(canRunIn('docker')).each([15, 17] as const)(
  'psql %i reads what the filter lets pass',
  (major) => {
    let server: DumpServer;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'muster-filter-'));
      server = await dumpServer(major);
    });
    afterAll(async () => {
      await server?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const fresh = async (name: string, create: string): Promise<void> => {
      await server.sql('postgres', `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      await server.sql('postgres', `CREATE DATABASE "${name}" TEMPLATE template0 ${create}`);
    };

    /** Dumps a database, restores the dump through the filter, stopping at any error, and compares. */
    const roundTrip = async (
      database: string,
      args: readonly string[],
      { create = '', setting = '' } = {},
    ): Promise<void> => {
      const [dump, filtered] = [join(folder, 'dump.sql'), join(folder, 'filtered.sql')];
      const [before, after] = [join(folder, 'before.sql'), join(folder, 'after.sql')];
      for (const path of [dump, before, after]) await rm(path, { force: true });
      await server.dump(database, 'plain', dump, args);
      await server.dump(database, 'plain', before, []);
      await pipeline(
        createReadStream(dump, { highWaterMark: 1021 }),
        plainFilter({ database, onRoles: async () => undefined }),
        createWriteStream(filtered),
      );
      await fresh('restored', create);
      if (setting !== '') await server.sql('postgres', `ALTER DATABASE restored SET ${setting}`);
      await server.load('restored', filtered);
      await server.dump('restored', 'plain', after, []);
      expect(await comparable(after)).toBe(await comparable(before));
    };

    it.each([
      ['plainly', []],
      ['with --clean', ['--clean']],
      ['with --create', ['--create']],
      ['with --clean and --create', ['--clean', '--create']],
      ['with --inserts', ['--inserts']],
      ['with --column-inserts in rows', ['--column-inserts', '--rows-per-insert=50']],
      ['with --verbose', ['--verbose']],
    ])('of a database dumped %s', async (_, args) => {
      const name = args.includes('--create') ? 'restored' : 'sample db';
      await server.sql('postgres', `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      await fillSample(server, name);
      const database = name;
      await roundTrip(database, args);
    });

    it.each([
      ['LATIN1', `ENCODING 'LATIN1' LOCALE 'C'`],
      ['SQL_ASCII', `ENCODING 'SQL_ASCII' LOCALE 'C'`],
      ['EUC_JP', `ENCODING 'EUC_JP' LOCALE 'C'`],
    ])('of a database in %s', async (encoding, create) => {
      await fresh('encoded', create);
      const bytes = encoding === 'EUC_JP' ? 'c6fccbdc5c' : '4772fcdf655c';
      await server.sql('encoded', `CREATE TABLE t AS SELECT convert_from('\\x${bytes}', '${encoding}') AS a`);
      await server.sql(
        'encoded',
        `DO $$ BEGIN EXECUTE format('ALTER TABLE t ADD %I int', (SELECT a FROM t)); END $$`,
      );
      await roundTrip('encoded', ['--inserts'], { create });
      await roundTrip('encoded', [], { create });
    });

    it('of a database without standard_conforming_strings', async () => {
      await fresh('off', '');
      await server.sql(
        'off',
        String.raw`CREATE TABLE t (a text DEFAULT E'\\'); INSERT INTO t VALUES (E'\\'), (E'''\\'''), (E'a\nb')`,
      );
      const setting = 'standard_conforming_strings = off';
      await server.sql('postgres', `ALTER DATABASE off SET ${setting}`);
      await roundTrip('off', ['--inserts'], { setting });
      await roundTrip('off', [], { setting });
    });

    it('as the same statements, so that no command of a hostile dump runs', async () => {
      await fresh('hostile', '');
      const trace = join(server.dir, 'command-ran');
      const command = `\\! echo ran > ${trace}\n`;
      const piece = fc.constantFrom(
        ...[
          "'",
          '"',
          '$$',
          '$a$',
          '\\',
          ';',
          '\n',
          '/*',
          '*/',
          '--',
          '\r',
          ' E',
          'E',
          "U&'",
          "B'",
          "''",
          '\\\\',
          "\\'",
        ],
        ...[
          '(',
          ')',
          ':',
          'x',
          ' ',
          '1',
          '$',
          'a$',
          '\xe9',
          '\x83',
          'BEGIN ',
          'END ',
          'CREATE FUNCTION f() ',
          'CASE ',
        ],
        ...['SET standard_conforming_strings = off;\n', 'SET standard_conforming_strings = on;\n'],
        ...["DO $$BEGIN PERFORM set_config('standard_conforming_' || 'strings', 'off', false); END$$;\n"],
        ...["DO $$BEGIN PERFORM set_config('client_' || 'encoding', 'SJIS', false); END$$;\n"],
        command,
        `\n${command}`,
        `'${command}'`,
        `'\n${command}';`,
        `SELECT '`,
      );
      const path = join(server.dir, 'hostile.sql');
      const execute = async (bytes: Buffer): Promise<boolean> => {
        await writeFile(path, bytes, { mode: 0o644 });
        await server.tool('psql', ['-d', 'hostile', '-Xq', '-f', path]).catch(() => undefined);
        return access(trace).then(
          () => true,
          () => false,
        );
      };
      expect(await execute(Buffer.from(command))).toBe(true);
      await rm(trace, { force: true });
      const filtered = async (dump: string): Promise<Buffer> => {
        const bytes = Buffer.from(`${dump}\n--\n-- PostgreSQL database dump complete\n--\n`, 'latin1');
        const filter = plainFilter({ onRoles: async () => undefined });
        return Buffer.concat(await Readable.from([bytes]).pipe(filter).toArray());
      };
      const behindOurBack = (setting: string, value: string): string =>
        `DO $$BEGIN PERFORM set_config('${setting}', '${value}', false); END$$;\n`;
      for (const dump of [
        `${behindOurBack('client_encoding', 'SJIS')}SELECT '\xe9'\n, '\n${command}';`,
        `${behindOurBack('client_encoding', 'SJIS')}/* \x83*/ SELECT ' */ \n${command}';`,
        `${behindOurBack('standard_conforming_strings', 'off')}SELECT '\\', '\n${command}';`,
      ]) {
        expect(await execute(Buffer.from(dump, 'latin1'))).toBe(true);
        await rm(trace);
        expect(await execute(await filtered(dump))).toBe(false);
      }
      let passed = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { minLength: 2, maxLength: 14 }), async (pieces) => {
          let bytes: Buffer;
          try {
            bytes = await filtered(pieces.join(''));
          } catch (error) {
            expect(isMusterError(error)).toBe(true);
            return;
          }
          if (!bytes.includes('\\!')) return;
          passed += 1;
          expect(await execute(bytes)).toBe(false);
        }),
        { numRuns: 4000 },
      );
      expect(passed).toBeGreaterThan(0);
    });
  },
);
