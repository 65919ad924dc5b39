import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { freePort } from '../support/free-port.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { describeIn } from '../support/needs.ts';

describeIn(['docker 17'], 'a restore into a server that is newer than the backup (%s)', () => {
  let old: DumpServer;
  let newer: DumpServer;
  let muster: MusterFolder;
  let uri: (database: string) => string;

  beforeAll(async () => {
    const port = await freePort();
    [old, newer] = await Promise.all([dumpServer(15), dumpServer(17, { port })]);
    uri = (database) => `postgresql://postgres@127.0.0.1:${port}/${database}`;
    await old.sql('postgres', 'CREATE DATABASE shop');
    await old.sql('shop', 'CREATE TABLE orders AS SELECT generate_series(1, 100) AS id');
    for (const format of ['custom', 'plain', 'directory'] as const)
      await old.dump('shop', format, join(old.dir, `shop.${format}`));
    muster = await musterFolder({
      'muster.yaml': `
scratch: { images: { postgres: "muster.test/postgres:{major}" } }
sources: [{ slug: shop, kind: postgres, restore_only: true, backup: { type: dump, location: ${old.dir}, match: "shop.*" } }]
`,
    });
  });
  afterAll(async () => {
    await muster?.remove();
    await newer?.close();
    await old?.close();
  });

  it.each(['custom', 'plain', 'directory'])(
    'is an upgrade, is said to be one, and is made by tools of the newer version: a dump of the form %s',
    async (format) => {
      const args = [
        '--source',
        'shop',
        '--backup',
        `shop.${format}`,
        '--into',
        'env:TARGET',
        '--yes',
        '--json',
      ];
      const ran = await muster.run(['restore', ...args], { TARGET: uri(format) });
      expect([ran.exitCode, ran.stderr]).toEqual([0, expect.stringContaining("newer than the backup's 15")]);
      const { predicate } = JSON.parse(ran.stdout).statement;
      expect(predicate).toMatchObject({ result: 'pass', tool: expect.stringContaining('/17/') });
      expect(await newer.sql(format, 'SELECT count(*) FROM orders')).toBe('100\n');
    },
  );
});
