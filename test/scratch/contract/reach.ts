import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Scratch } from '@muster/scratch';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, createBench, type MakeHost, never, PROBE, type Subject, sh } from './subject.js';

/** A server inside is reached through a socket outside, and in no other way. */
export function reachContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: a server in a cell`, () => {
    let bench: Bench;
    let scratch: Scratch;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
      scratch = await bench.launch();
    });
    afterAll(async () => {
      await scratch?.destroy();
      await bench?.close();
    });

    const connect = async (): Promise<pg.Client> => {
      const client = new pg.Client({ host: scratch.socketDir, user: 'postgres', database: 'postgres' });
      await client.connect();
      return client;
    };

    it('is found where its launcher was told', async () => {
      const bin = subject.binDir;
      const started = await sh(
        scratch,
        `set -e; export PGDATA=${scratch.dataDir}/pg
         ${bin}/initdb -U postgres -A trust --no-sync -E UTF8 --locale=C >/dev/null
         ${bin}/pg_ctl -w -l ${scratch.dataDir}/log start -o "-c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories=${scratch.innerSocketDir}" >/dev/null`,
      );
      expect(started).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      await scratch.expose({ name: '.s.PGSQL.5432', tcpPort: 5432 });
      const client = await connect();
      const { rows } = await client.query('select 6 * 7 as answer');
      await client.end();
      expect(rows).toEqual([{ answer: 42 }]);
    });

    it('answers several clients at once, and much data as it is', async () => {
      const clients = await Promise.all([connect(), connect(), connect()]);
      const answers = await Promise.all(
        clients.map((client) =>
          client.query("with t as (select repeat('muster', 1000000) as x) select x, md5(x) as sum from t"),
        ),
      );
      for (const { rows } of answers) {
        const [{ x, sum }] = rows;
        expect(sum).toBe(createHash('md5').update(x).digest('hex'));
      }
      await Promise.all(clients.map((client) => client.end()));
    });

    it('that is a stranger to its client is told when the client goes', async () => {
      const [first, second] = [await connect(), await connect()];
      await first.query("set application_name = 'leaving'");
      await first.end();
      const left = await second.query(
        "select count(*) as n from pg_stat_activity where application_name = 'leaving'",
      );
      await second.end();
      expect(left.rows).toEqual([{ n: '0' }]);
    });

    it('is reached by a path that is short and closed to others', async () => {
      expect(Buffer.byteLength(scratch.socketDir)).toBeLessThan(90);
      const way = scratch.socketDir
        .split('/')
        .map((_, index, all) => all.slice(0, index + 1).join('/') || '/');
      const modes = await Promise.all(way.map(async (path) => (await stat(path)).mode & 0o077));
      expect(modes).toContain(0);
    });
  });

  describe(`${name}: preparing`, () => {
    it('asks an image once, without network and as nobody, and remembers', async () => {
      const bench = await createBench(makeHost, subject);
      try {
        const [, uid, ...rest] = bench.base.facts.trim().split('\n');
        expect(uid).not.toBe('0');
        expect(rest.join('\n')).toMatch(/NoNewPrivs:\s1/);
        expect(rest.join('\n')).not.toMatch(/eth0/);
        const again = await makeHost(bench.options);
        const same = await again.prepare({ image: subject.image, probe: PROBE }, never());
        // What has no digest may change at any moment: then nothing is remembered.
        if (bench.base.imageDigest === undefined) expect(same.facts).not.toBe(bench.base.facts);
        else expect(same).toEqual(bench.base);
        const other = await again.prepare({ image: subject.image, probe: `${PROBE}; echo more` }, never());
        expect(other.facts.split('\n')[0]).not.toBe(bench.base.facts.split('\n')[0]);
      } finally {
        await bench.close();
      }
    });

    it('fails with what to do when the probe does not run', async () => {
      const bench = await createBench(makeHost, subject);
      try {
        const prepare = bench.host.prepare({ image: subject.image, probe: 'exit 9' }, never());
        await expect(prepare).rejects.toMatchObject({ code: 'image_unavailable' });
      } finally {
        await bench.close();
      }
    });
  });
}
