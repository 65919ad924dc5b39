import { chown, copyFile, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { isMusterError } from '@muster/core';
import { postgresEngine, postgresLiveDumper } from '@muster/engines';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, authority, type Certificate } from '../support/certificates.ts';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { type EngineBench, engineBench, never, type Place } from '../support/engine-bench.ts';
import { eventually } from '../support/eventually.ts';
import { quietPort } from '../support/free-port.ts';
import { describeIn, majorOf } from '../support/needs.ts';

/** 15 is dumped by this machine's own pg_dump, 17 by the one in the image. */
const PLACES: readonly Place[] = ['bubblewrap 15', 'docker 17'];
const PASSPHRASE = 'hunter2 of the key';

const SHOP = `
  CREATE SCHEMA shop; CREATE TABLE shop.item (n serial); INSERT INTO shop.item SELECT generate_series(1, 100);
  CREATE TABLE shop.note (n int); INSERT INTO shop.note VALUES (1);
  GRANT USAGE ON SCHEMA shop TO granted, barred, halved, limited;
  GRANT SELECT ON ALL TABLES IN SCHEMA shop TO granted, halved, limited;
  GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO granted, limited;
  REVOKE SELECT ON shop.note FROM halved;
  CREATE TABLE shop.own (n int); GRANT SELECT ON shop.own TO granted, barred, limited;
`;

describeIn(PLACES, 'a live source that is drilled in %s', (place) => {
  const major = majorOf(place);
  let bench: EngineBench;
  let server: DumpServer;
  let trusted: Authority;
  let client: Certificate;
  let port: number;
  beforeAll(async () => {
    [trusted, port] = await Promise.all([authority(), quietPort()]);
    client = await trusted.issue('teller', 'DNS:teller', PASSPHRASE);
    server = await dumpServer(major, { port });
    for (const role of ['reader', 'granted', 'barred', 'halved', 'limited', 'teller'])
      await server.sql('postgres', `CREATE ROLE ${role} LOGIN PASSWORD 'right'`);
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql('shop', SHOP);
    await server.sql('postgres', 'CREATE DATABASE busy');
    await server.sql('busy', 'CREATE TABLE item (n int); CREATE TABLE note (n int)');
    await server.sql(
      'postgres',
      'GRANT pg_read_all_data TO reader, teller; ALTER ROLE limited CONNECTION LIMIT 0',
    );
    await speakTls(server, trusted);
    bench = await engineBench(place);
  });
  afterAll(async () => {
    await bench?.close();
    await server?.close();
    await trusted?.remove();
  });

  const uri = (user = 'postgres', query = 'sslmode=disable', host = '127.0.0.1', database = 'shop') =>
    `postgresql://${user}:right@${host}:${port}/${database}?${query}`;
  const busy = (user?: string) => uri(user, undefined, undefined, 'busy');
  const survey = (text: string) => postgresLiveDumper.survey(text, never());
  const dumped = async (text: string, later: string = text) =>
    buffer(postgresLiveDumper.dump(later, await survey(text), bench.host, bench.base).open(never()));
  const session = async <T>(work: (owner: pg.Client) => Promise<T>): Promise<T> => {
    const owner = new pg.Client(busy());
    await owner.connect();
    try {
      return await work(owner);
    } finally {
      await owner.end();
    }
  };
  /** What those wait for who dump at this moment. */
  const dumping = async () =>
    await session(async (looker) => {
      const { rows } = await looker.query<{ waits: string }>(
        "SELECT wait_event_type AS waits FROM pg_stat_activity WHERE application_name = 'muster' AND datname = 'busy'",
      );
      return rows.map(({ waits }) => waits);
    });

  it.each(['reader', 'granted'])('is dumped by a role that may only read: %s', async (user) => {
    expect((await dumped(uri(user))).subarray(0, 5).toString()).toBe('PGDMP');
  });

  it.each([
    ['barred', 'shop.item, shop.item_n_seq, shop.note'],
    ['halved', 'shop.note'],
  ])('is not dumped by a role without rights to all: %s', async (user, names) => {
    await expect(survey(uri(user))).rejects.toEqual(faultOf('source_rights_missing', names));
  });

  it('is not dumped by a role that row security keeps rows from', async () => {
    await server.sql('shop', 'ALTER TABLE shop.own ENABLE ROW LEVEL SECURITY');
    try {
      await expect(survey(uri('granted'))).rejects.toEqual(faultOf('source_rights_missing', 'shop.own'));
      await expect(dumped(uri(), uri('granted'))).rejects.toEqual(faultOf('source_rights_missing', 'rights'));
    } finally {
      await server.sql('shop', 'ALTER TABLE shop.own DISABLE ROW LEVEL SECURITY');
    }
  });

  it('names the role and the database that it may not connect to, and nothing else of the URI', async () => {
    await server.sql('postgres', "CREATE ROLE visitor LOGIN PASSWORD 'right'");
    await server.sql('postgres', 'CREATE DATABASE shut');
    await server.sql('postgres', 'REVOKE CONNECT ON DATABASE shut FROM PUBLIC');
    const refused = survey(uri('visitor', undefined, undefined, 'shut'));
    const grant = 'GRANT CONNECT ON DATABASE "shut" TO "visitor".';
    await expect(refused).rejects.toEqual(faultOf('source_rights_missing', grant));
  });

  it('has no connection to spare', async () => {
    await expect(survey(uri('limited'))).rejects.toEqual(faultOf('source_out_of_connections', '53300'));
    const late = dumped(uri(), uri('limited'));
    await expect(late).rejects.toEqual(faultOf('source_out_of_connections', 'CONNECTION LIMIT'));
  });

  // From here on side by side: the first waits, for what another holds.
  it.runIf(place === 'docker 17').concurrent(
    'with a table that somebody keeps locked is left after a while, and nobody waits for us then',
    async () => {
      await session(async (owner) => {
        await owner.query('BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE');
        const dump = dumped(busy('reader')).catch((error: unknown) => error);
        await eventually('our dump waits', async () => (await dumping())[0] === 'Lock');
        // Our locks on other tables go with our wait.
        await session(async (other) => {
          await other.query("SET lock_timeout = '60s'");
          await other.query('ALTER TABLE item ADD COLUMN m int');
        });
        expect(await dump).toEqual(faultOf('source_locked', '10 s'));
        expect(await dumping()).toEqual([]);
      });
    },
  );

  it.concurrent('is spoken to with the TLS of the URI, with a certificate of ours', async () => {
    const full = `sslmode=verify-full&sslrootcert=${trusted.ca}`;
    expect(await survey(uri('reader', full, 'localhost'))).toMatchObject({ major });
    expect(await survey(uri('reader', full.replace('full', 'ca')))).toMatchObject({ major });
    const ours = `${full}&sslcert=${client.cert}&sslkey=${client.key}&sslpassword=${encodeURIComponent(PASSPHRASE)}`;
    expect((await dumped(uri('teller', ours, 'localhost'))).subarray(0, 5).toString()).toBe('PGDMP');
  });

  it.concurrent('whose certificate is not the one that is meant is not spoken to', async () => {
    const another = await authority();
    try {
      const wrong = `sslmode=verify-ca&sslrootcert=${another.ca}`;
      await expect(survey(uri('reader', wrong, 'localhost'))).rejects.toEqual(faultOf('tls_refused', 'CERT'));
      const named = `sslmode=verify-full&sslrootcert=${trusted.ca}`;
      await expect(survey(uri('reader', named))).rejects.toEqual(faultOf('tls_refused', 'ALTNAME'));
      const absent = `sslmode=verify-full&sslrootcert=${another.directory}/absent`;
      await expect(survey(uri('reader', absent))).rejects.toEqual(
        faultOf('secret_unavailable', 'sslrootcert'),
      );
    } finally {
      await another.remove();
    }
  });

  it.concurrent('that is newer than any server there is for it is not dumped', async () => {
    const facts = { ...(await survey(uri('reader'))), major: 99 };
    const newer = { ...facts, databases: [] };
    expect(() => postgresEngine.admit(newer, bench.base)).toThrow(
      faultOf('version_unavailable', 'PostgreSQL 99'),
    );
    const dump = postgresLiveDumper.dump(uri('reader'), facts, bench.host, bench.base).open(never());
    await expect(buffer(dump)).rejects.toEqual(faultOf('version_unavailable', 'PostgreSQL 99'));
  });

  it.concurrent('that takes no settings from who connects is dumped all the same', async () => {
    const facts = await survey(uri('reader'));
    const without = { ...facts, guarded: false };
    const dump = await buffer(
      postgresLiveDumper.dump(uri('reader'), without, bench.host, bench.base).open(never()),
    );
    expect(facts).toMatchObject({ guarded: true });
    expect(dump.subarray(0, 5).toString()).toBe('PGDMP');
  });
});

describe('a live source that answers nothing', () => {
  let mute: Server;
  let port: number;
  beforeAll(async () => {
    mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    ({ port } = mute.address() as AddressInfo);
  });
  afterAll(() => mute?.close());

  it('is left after a while', async () => {
    const slow = postgresLiveDumper.survey(
      `postgres://u:hunter2@127.0.0.1:${port}/d?sslmode=disable&connect_timeout=2`,
      never(),
    );
    await expect(slow).rejects.toEqual(faultOf('source_slow', '2 s'));
  });

  it('is told of without a word of the URI', async () => {
    const refused = postgresLiveDumper.survey(`postgres://u:hunter2@127.0.0.1:1/d`, never());
    await expect(refused).rejects.toEqual(faultOf('source_unreachable', 'ECONNREFUSED'));
  });
});

/** A fault of this code whose message has these words, and none of the URI. */
const faultOf = (code: string, words: string) =>
  expect.toSatisfy(
    (error: unknown) =>
      isMusterError(error) &&
      error.code === code &&
      error.message.includes(words) &&
      !/hunter2|right@|:right|teller|reader|granted|halved|barred|limited|127\.0\.0\.1/.test(error.message),
    `${code}: ${words}`,
  );

/** With a certificate for `localhost`; `teller` must show one of its own. */
async function speakTls(server: DumpServer, { ca, issue }: Authority): Promise<void> {
  const { cert, key } = await issue('server', 'DNS:localhost');
  const data = (await server.sql('postgres', 'SHOW data_directory')).trim();
  const { uid, gid } = await stat(data);
  for (const [name, path] of Object.entries({ ca, cert, key })) {
    await copyFile(path, join(server.dir, name));
    await chown(join(server.dir, name), uid, gid);
  }
  const hba = (await server.sql('postgres', 'SHOW hba_file')).trim();
  await writeFile(hba, 'local all all trust\nhostssl all teller all cert\nhost all all all scram-sha-256\n');
  for (const [name, file] of Object.entries({
    ssl_ca_file: 'ca',
    ssl_cert_file: 'cert',
    ssl_key_file: 'key',
  }))
    await server.sql('postgres', `ALTER SYSTEM SET ${name} = '${join(server.dir, file)}'`);
  await server.sql('postgres', `ALTER SYSTEM SET ssl = on`);
  await server.sql('postgres', `ALTER ROLE postgres PASSWORD 'right'`);
  await server.sql('postgres', 'SELECT pg_reload_conf()');
}
