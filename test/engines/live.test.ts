import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Artefact, postgresLiveDumper } from '@muster/engines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { type EngineBench, engineBench, never, type Place } from '../support/engine-bench.ts';
import { canRunIn, describeIn, majorOf } from '../support/needs.ts';

const run = promisify(execFile);
const code = (reason: string) => expect.objectContaining({ code: reason });
const n = (text: string) => ({
  kind: 'row',
  row: { columns: [{ name: 'n', value: { kind: 'number', text } }] },
});

/** 15 is dumped by this machine's own pg_dump, 17 by the one in the image. */
const PLACES: readonly Place[] = ['bubblewrap 15', 'docker 17'];

describeIn(PLACES, 'a live source restored in %s', (place) => {
  const major = majorOf(place);
  let bench: EngineBench;
  let server: DumpServer;
  let uri: string;
  beforeAll(async () => {
    server = await dumpServer(major);
    await fillSample(server, 'live shop');
    const socket = (await server.sql('postgres', 'SHOW unix_socket_directories')).trim();
    uri = `postgresql://postgres:unused@/live%20shop?host=${encodeURIComponent(socket)}`;
    bench = await engineBench(place);
  });
  afterAll(async () => {
    await bench?.close();
    await server?.close();
  });
  const restoring = async (artefact: Artefact) => {
    const facts = { format: 'custom', major, databases: ['live shop'] };
    return bench.within(facts, async ({ restore, ask }) => {
      const report = await restore(artefact, facts);
      return { report, answer: await ask('live shop', 'SELECT count(*) AS n FROM item') };
    });
  };

  it('tells its version and its name', async () => {
    expect(await postgresLiveDumper.survey(uri, never())).toEqual({
      major,
      serverVersion: expect.stringMatching(new RegExp(`^${major}\\.\\d+$`)),
      database: 'live shop',
      format: 'custom',
      guarded: true,
    });
  });

  it('streams into a scratch, and its bytes are hashed on the way', async () => {
    const facts = await postgresLiveDumper.survey(uri, never());
    const { report, answer } = await restoring(postgresLiveDumper.dump(uri, facts, bench.host, bench.base));
    expect(answer).toEqual(n('2008'));
    expect(report).toMatchObject({
      databases: ['live shop'],
      warnings: [],
      examined: { sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), sizeBytes: report.bytes },
      facts: { format: 'custom', major },
    });
    expect(report.bytes).toBeGreaterThan(100_000);
  });

  it('whose dump does not finish has not failed a backup', async () => {
    const facts = await postgresLiveDumper.survey(uri, never());
    const gone = postgresLiveDumper.dump(uri, { ...facts, database: 'nowhere' }, bench.host, bench.base);
    await expect(restoring(gone)).rejects.toEqual(code('dump_failed'));
  });

  it('whose dump breaks off in the middle has not failed a backup', async () => {
    const facts = await postgresLiveDumper.survey(uri, never());
    await server.sql(
      'live shop',
      `CREATE TABLE shop.zz AS SELECT repeat(md5(g::text), 50) AS s FROM generate_series(1, 60000) g;
       CREATE FUNCTION shop.slow() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    );
    const dump = postgresLiveDumper.dump(uri, facts, bench.host, bench.base);
    if (dump.form !== 'stream') throw new Error('a live dump streams');
    let killed = false;
    const broken: Artefact = {
      ...dump,
      open: (signal) => {
        const stream = dump.open(signal);
        stream.once('data', () => {
          killed = true;
          void server.sql(
            'postgres',
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'live shop'",
          );
        });
        return stream.pause();
      },
    };
    // In the middle of a COPY, libpq does not always have the server's last word.
    await expect(restoring(broken)).rejects.toMatchObject({
      code: expect.stringMatching(/^source_(stopped|lost)$/),
    });
    expect(killed).toBe(true);
  });
});

describe.runIf(canRunIn('bubblewrap'))('a live source that does not let us in', () => {
  let server: DumpServer;
  let folder: string;
  let socket: string;
  const survey = (uri: string) => postgresLiveDumper.survey(uri, never());
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-live-'));
    server = await dumpServer(15);
    socket = (await server.sql('postgres', 'SHOW unix_socket_directories')).trim();
    const hba = (await server.sql('postgres', 'SHOW hba_file')).trim();
    await server.sql('postgres', `CREATE ROLE teller LOGIN PASSWORD 'right'`);
    await run('sh', [
      '-c',
      `printf 'local all teller scram-sha-256\\nlocal all barred reject\\nlocal all all trust\\n' > "$1"`,
      'sh',
      hba,
    ]);
    await server.sql('postgres', 'SELECT pg_reload_conf()');
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const uri = (user: string, database = 'postgres') =>
    `postgres://${user}@/${database}?host=${encodeURIComponent(socket)}`;

  it('is let in with the right password', async () => {
    expect(await survey(uri('teller:right'))).toMatchObject({ major: 15, database: 'postgres' });
  });

  it.each(['teller:hunter2', 'teller', 'barred:hunter2', 'nobody_here'])(
    'with the credentials %s says so, and not which',
    async (user) => {
      const refused = expect.objectContaining({
        code: 'credentials_refused',
        message: expect.not.stringMatching(/hunter2|teller|barred|nobody_here/),
      });
      await expect(survey(uri(user))).rejects.toEqual(refused);
    },
  );

  it('without the database says so', async () => {
    await expect(survey(uri('postgres', 'nowhere'))).rejects.toEqual(code('unknown_database'));
  });

  it('where nothing listens is unreachable', async () => {
    await expect(survey('postgres://u:hunter2@127.0.0.1:1/d')).rejects.toEqual(code('source_unreachable'));
    await expect(survey('postgres://u@name.invalid/d')).rejects.toEqual(code('source_unreachable'));
    await expect(survey(`postgres://u@/d?host=${encodeURIComponent(folder)}`)).rejects.toEqual(
      code('source_unreachable'),
    );
  });

  it('whose listener says nothing is left when the caller says so', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(join(folder, '.s.PGSQL.5432'), resolve));
    const stop = new AbortController();
    silent.once('connection', () => stop.abort());
    const asked = postgresLiveDumper.survey(
      `postgres://u@/d?host=${encodeURIComponent(folder)}`,
      stop.signal,
    );
    await expect(asked).rejects.toEqual(code('cancelled'));
    silent.close();
  });

  it('is asked for with TLS where the URI insists on it', async () => {
    const plain = createServer((socket) => socket.once('data', () => socket.end('N')));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(survey(`postgres://u@127.0.0.1:${port}/d?sslmode=require`)).rejects.toEqual(
      code('tls_refused'),
    );
    plain.close();
  });
});
