import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectoryRepository, createDirectoryTakePlace, readAgeKeys } from '@muster/backups';
import { backupRecordSchema, isMusterError, MusterError, RECORD_SUFFIX } from '@muster/core';
import { engineOf, liveDumperOf } from '@muster/engines';
import { livenessOf } from '@muster/scratch';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { eventually } from '../support/eventually.ts';
import { quietPort } from '../support/free-port.ts';
import { canMount, onMounted } from '../support/mounted.ts';
import { canRunIn } from '../support/needs.ts';
import { never } from '../support/server-bench.ts';
import { DEAD, ELSEWHERE, HERE, type Taking, take, takenSource } from '../support/taking.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const engine = engineOf('postgres');
const AT = new Date('2026-11-21T03:00:00.400Z');
const NAME = 'shop_20261121T030000Z.dump';
const ID = 'tak_01JD0000000000000000000000';

describe.runIf(canRunIn('bubblewrap'))('a dump of PostgreSQL that is taken into a directory', () => {
  let server: DumpServer;
  let port: number;
  beforeAll(async () => {
    port = await quietPort();
    server = await dumpServer(15, { port });
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      `CREATE TABLE item AS SELECT g AS n, md5(g::text) AS s FROM generate_series(1, 50000) g;
       CREATE TABLE note (n int PRIMARY KEY)`,
    );
  });
  afterAll(() => server?.close());

  let directory: string;
  const made: string[] = [];
  const newDirectory = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'muster-take-'));
    // Who restores is another user.
    await chmod(path, 0o755);
    made.push(path);
    return path;
  };
  beforeEach(async () => {
    directory = await newDirectory();
  });
  afterAll(async () => {
    for (const path of made) await rm(path, { recursive: true, force: true });
  });

  const uri = (at = port, database = 'shop') =>
    `postgresql://postgres@127.0.0.1:${at}/${database}?sslmode=disable`;
  const placeAt = (path = directory) => createDirectoryTakePlace({ directory: path, liveness: livenessOf });
  const taking = (keys = 'take: {}', more: Partial<Taking> & { URI?: string } = {}) =>
    take({
      source: takenSource('postgres', `${keys}${keys.includes('fidelity') ? '' : ', fidelity: off'}`),
      place: placeAt(),
      secrets: { URI: more.URI ?? uri(), ...more.secrets },
      ...more,
    });
  const listed = async (keys?: string) =>
    await createDirectoryRepository({
      directory,
      match: undefined,
      engine,
      keys: keys === undefined ? undefined : async () => readAgeKeys(keys),
      pause: async () => {},
    }).list(never());
  const there = async () => (await readdir(directory)).toSorted();
  const recordOf = async (name: string) =>
    backupRecordSchema.parse(JSON.parse(await readFile(join(directory, `${name}${RECORD_SUFFIX}`), 'utf8')));
  const restored = async (path: string): Promise<string> => {
    // The server's tool is another user's.
    execFileSync('chmod', ['-R', 'go+rX', path]);
    await server.sql('postgres', 'DROP DATABASE IF EXISTS again');
    await server.sql('postgres', 'CREATE DATABASE again');
    await server.tool('pg_restore', ['--dbname=again', '--exit-on-error', path]);
    return (await server.sql('again', 'SELECT count(*) FROM item')).trim();
  };

  it('lists, restores, and has a record that is bound to its bytes', async () => {
    const phases = new Set<string>();
    const taken = await taking('take: {}', { now: () => AT, onProgress: ({ phase }) => phases.add(phase) });
    expect(taken).toMatchObject({ backupId: NAME, swept: [] });
    expect([...phases]).toEqual(['survey', 'sweep', 'dump', 'publish']);
    expect(await there()).toEqual([NAME, `${NAME}${RECORD_SUFFIX}`]);
    const bytes = await readFile(join(directory, NAME));
    expect(await recordOf(NAME)).toMatchObject({
      source: { slug: 'shop', kind: 'postgres' },
      backup: {
        id: NAME,
        sha256: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
        size_bytes: bytes.length,
        format: 'custom',
      },
      take: { trigger: { kind: 'cli' } },
    });
    expect((await listed()).map(({ id, facts }) => [id, facts?.major])).toEqual([[NAME, 15]]);
    expect(await restored(join(directory, NAME))).toBe('50000');
  });

  it('has in its record what the database was, read in the snapshot of the dump', async () => {
    const { backupId } = await taking('take: {}, fidelity: full');
    const { fidelity } = await recordOf(backupId);
    expect(fidelity?.level).toBe('full');
    expect(fidelity?.databases[0]?.tables).toContainEqual(
      expect.objectContaining({ name: 'public.item', rows: '50000' }),
    );
  });

  it('is a directory that several processes write, where that is asked for', async () => {
    const taken = await taking('take: { format: directory, jobs: 2 }', { now: () => AT });
    expect(taken.backupId).toBe('shop_20261121T030000Z.dir');
    expect(await there()).toEqual([taken.backupId, `${taken.backupId}${RECORD_SUFFIX}`]);
    const [backup] = await listed();
    if (backup?.artefact.form !== 'directory') throw new Error('it is a directory');
    const facts = await engine.identify(backup.artefact, never());
    const examined = await engine.examine(backup.artefact, facts, { onBytes: () => {} }, never());
    expect(examined).toEqual({ sha256: taken.record?.backup.sha256, sizeBytes: taken.sizeBytes });
    expect(await restored(join(directory, taken.backupId))).toBe('50000');
  });

  it('is encrypted on its way: nothing on the disk is plain, and its recipient opens it', async () => {
    const identity = await generateX25519Identity();
    const secrets = { URI: uri(), AGE: await identityToRecipient(identity) };
    const taken = await taking('take: { encrypt: { age: env:AGE } }', { now: () => AT, secrets });
    expect(taken.backupId).toBe(`${NAME}.age`);
    expect((await readFile(join(directory, taken.backupId))).includes('PGDMP')).toBe(false);
    const [backup] = await listed(identity);
    if (backup?.artefact.form !== 'flow' || backup.facts === undefined) throw new Error('it is a flow');
    expect(backup.facts.format).toBe('custom+age');
    const examined = await engine.examine(backup.artefact, backup.facts, { onBytes: () => {} }, never());
    expect(examined).toEqual({ sha256: taken.record?.backup.sha256, sizeBytes: taken.sizeBytes });
  });

  it('of a database whose name is no file name has one that is', async () => {
    await server.sql('postgres', `CREATE DATABASE "../a b"`);
    const { backupId } = await taking('take: {}', {
      URI: uri(port, encodeURIComponent('../a b')),
      now: () => AT,
    });
    expect(backupId).toBe('%2E.%2Fa%20b_20261121T030000Z.dump');
    expect(await there()).toContain(backupId);
  });

  it('whose name its own listing would not mean is refused before anything is dumped', async () => {
    const keys = `backup: { type: dump, location: /backups, match: "prod_*.dump" }, take: {}, fidelity: off`;
    const refused = taking(keys, { openDump: () => Promise.reject(new Error('it was dumped')) });
    await expect(refused).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('"prod_*.dump"'),
    });
  });

  it('never overwrites: of takes in one second, or with the clock set back, each has a name of its own', async () => {
    const two = await Promise.all([
      taking('take: {}', { now: () => AT, isAlone: true }),
      taking('take: {}', { now: () => AT, isAlone: true }),
    ]);
    const before = await readFile(join(directory, NAME));
    const third = await taking('take: {}', { now: () => AT });
    const names = [...two, third].map(({ backupId }) => backupId).toSorted();
    expect(names).toEqual([NAME, 'shop_20261121T030001Z.dump', 'shop_20261121T030002Z.dump']);
    expect((await readFile(join(directory, NAME))).equals(before)).toBe(true);
    expect(await listed()).toHaveLength(3);
  });

  describe('while another take of its source is there, by hosts that know of each other by the directory alone,', () => {
    /** One that is in its dump until it is let go. */
    const underWay = async () => {
      const go = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const openDump: Taking['openDump'] = async ({ kind }, at, facts, options) => {
        begun.resolve();
        await go.promise;
        const dump = await liveDumperOf(kind).dumpHere(at, facts, options);
        if (dump === undefined) throw new Error('this machine has no tool for it');
        return dump;
      };
      const taken = taking('take: {}', { openDump });
      await begun.promise;
      return { taken, letGo: go.resolve };
    };

    it('is left out', async () => {
      const { taken, letGo } = await underWay();
      await expect(taking()).rejects.toEqual(fault('take_overrun', 'overrun: wait'));
      letGo();
      const { backupId } = await taken;
      expect(await there()).toEqual([backupId, `${backupId}${RECORD_SUFFIX}`]);
    });

    it('waits where takes are to wait', async () => {
      const { taken, letGo } = await underWay();
      const phases: string[] = [];
      const second = taking('take: { overrun: wait }', {
        onProgress: ({ phase }) => {
          phases.push(phase);
          if (phase === 'wait') letGo();
        },
      });
      expect((await second).backupId > (await taken).backupId).toBe(true);
      expect(phases.slice(0, 2)).toEqual(['wait', 'survey']);
      expect(await there()).toHaveLength(4);
    });

    it('is taken where that one died', async () => {
      const lock = '.shop.muster-take';
      await mkdir(join(directory, lock));
      const owner = { type: 'urn:muster:take:v1', take_id: ID, worker: DEAD };
      await writeFile(join(directory, lock, 'a.owner.json'), JSON.stringify(owner));
      const { backupId, swept } = await taking();
      expect(swept).toEqual([lock]);
      expect(await there()).toEqual([backupId, `${backupId}${RECORD_SUFFIX}`]);
    });
  });

  it('is left out where a whole minute of names is taken', async () => {
    for (let second = 0; second < 60; second += 1) {
      const stamp = new Date(AT.getTime() + second * 1000).toISOString().replace(/[-:]|\.\d+/g, '');
      await writeFile(join(directory, `shop_${stamp}.dump`), '');
    }
    await expect(taking('take: {}', { now: () => AT })).rejects.toEqual(fault('take_exists', 'clock'));
  });

  it('leaves what else was given its name meanwhile as it is', async () => {
    const taken = taking('take: {}', {
      now: () => AT,
      onProgress: ({ phase }) => phase === 'dump' && void writeFile(join(directory, NAME), 'mine'),
    });
    await expect(taken).rejects.toEqual(fault('take_exists', 'stays'));
    expect(await there()).toEqual([NAME]);
    expect(await readFile(join(directory, NAME), 'utf8')).toBe('mine');
  });

  it.each([
    ['survey', 'take: {}'],
    ['sweep', 'take: {}'],
    ['dump', 'take: {}'],
    ['dump', 'take: { format: directory }'],
    ['examine', 'take: { format: directory }'],
    ['publish', 'take: {}'],
  ])('that is cancelled in its phase %s leaves nothing (%s)', async (phase, keys) => {
    const cancel = new AbortController();
    const taken = taking(keys, {
      signal: cancel.signal,
      onProgress: (progress) => progress.phase === phase && cancel.abort(),
    });
    await expect(taken).rejects.toEqual(fault('cancelled', `"${phase}"`));
    expect(await there()).toEqual([]);
  });

  it('that is told why it must stop says it', async () => {
    const cancel = new AbortController();
    const taken = taking('take: {}', {
      signal: cancel.signal,
      onProgress: ({ phase }) => phase === 'dump' && cancel.abort(new MusterError('lease_lost', 'Lost it.')),
    });
    await expect(taken).rejects.toEqual(fault('lease_lost', 'Lost it. It was stopped in its phase "dump"'));
    expect(await there()).toEqual([]);
  });

  it('that takes longer than it may leaves nothing', async () => {
    await server.sql('postgres', 'CREATE DATABASE held');
    await server.sql('held', 'CREATE TABLE note (n int)');
    const lock = held(server, 'held', 'LOCK TABLE note IN ACCESS EXCLUSIVE MODE');
    const taken = taking('take: { limit: 2s }', { URI: uri(port, 'held') });
    await expect(taken).rejects.toEqual(fault('time_limit', 'take.limit'));
    expect(await there()).toEqual([]);
    await lock.end();
  });

  /** Until a dump of a database waits for a lock. */
  const waits = (database: string): Promise<void> =>
    eventually('the dump waits', async () => {
      const found = await server.sql(
        'postgres',
        `SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'muster' AND wait_event_type = 'Lock'`,
      );
      return found.trim() !== '0';
    });

  describe('whose source fails', () => {
    const ownPlace = async () => placeAt(await newDirectory());
    /** A take that waits for a lock, so that something can be done to it. */
    async function whileWaiting<T>(
      database: string,
      use: () => Promise<T>,
      after: Promise<unknown>,
    ): Promise<T> {
      await waits(database);
      const done = await use();
      await after;
      return done;
    }
    const locked = async (database: string) => {
      await server.sql('postgres', `CREATE DATABASE ${database}`);
      await server.sql(database, 'CREATE TABLE note (n int)');
      return held(server, database, 'LOCK TABLE note IN ACCESS EXCLUSIVE MODE');
    };

    it.concurrent('by a lock that somebody keeps: it is left after a while', async () => {
      const lock = await locked('kept');
      await expect(taking('take: {}', { URI: uri(port, 'kept') })).rejects.toEqual(
        fault('source_locked', '10 s'),
      );
      await lock.end();
    });

    it.concurrent('by its stop: it says so, and what pg_dump said is told', async () => {
      const lock = await locked('stopped');
      let output = '';
      const taken = expect(
        taking('take: {}', {
          place: await ownPlace(),
          URI: uri(port, 'stopped'),
          onOutput: (text) => {
            output += text;
          },
        }),
      ).rejects.toEqual(fault('source_stopped', 'restarted'));
      const kill = () =>
        server.sql(
          'postgres',
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'stopped' AND application_name = 'muster'",
        );
      await whileWaiting('stopped', kill, taken);
      expect(output).toContain('pg_dump');
      await lock.end();
    });

    it.concurrent('by a connection that is lost in the middle', async () => {
      const cut = await tcpProxy(port, 500_000, 'cut');
      try {
        const taken = taking('take: {}', { URI: uri(cut.port), place: await ownPlace() });
        await expect(taken).rejects.toEqual(fault('source_lost', 'broke in the middle'));
      } finally {
        cut.close();
      }
    });
  });

  it('whose source is restarted in the middle says so, and leaves nothing', async () => {
    await server.sql('postgres', 'CREATE DATABASE restarted');
    await server.sql('restarted', 'CREATE TABLE note (n int)');
    const lock = held(server, 'restarted', 'LOCK TABLE note IN ACCESS EXCLUSIVE MODE');
    const taken = expect(taking('take: {}', { URI: uri(port, 'restarted') })).rejects.toEqual(
      fault('source_stopped', 'restarted'),
    );
    await waits('restarted');
    await server.restart();
    await taken;
    await lock.end();
    expect(await there()).toEqual([]);
  });

  describe('finds what others have left', () => {
    const slot = async (name: string, owner: string, ageMs = 0): Promise<string> => {
      const path = join(directory, `.${name}.muster-take`);
      await mkdir(path);
      await writeFile(join(path, 'a.content'), 'half a dump');
      await writeFile(join(path, 'a.owner.json'), owner);
      const then = new Date(Date.now() - ageMs);
      await utimes(join(path, 'a.owner.json'), then, then);
      return `.${name}.muster-take`;
    };
    const owned = (worker: string) => JSON.stringify({ type: 'urn:muster:take:v1', take_id: ID, worker });

    it('and removes only what is surely a dead take of Muster', async () => {
      const dead = await slot('a.dump', owned(DEAD));
      const silent = await slot('b.dump', owned(ELSEWHERE), 20 * 60_000);
      await mkdir(join(directory, '.c.dump.muster-take'));
      const kept = [
        await slot('d.dump', owned(HERE), 20 * 60_000),
        await slot('e.dump', owned(ELSEWHERE)),
        await slot('f.dump', 'not ours', 20 * 60_000),
      ];
      await writeFile(join(directory, '.hidden'), '');
      const { swept, backupId } = await taking();
      expect(swept).toEqual([dead, silent, '.c.dump.muster-take']);
      expect(await there()).toEqual([...kept, '.hidden', backupId, `${backupId}${RECORD_SUFFIX}`].toSorted());
    });

    it('and the record of a backup that never came, but no other record', async () => {
      const { record, backupId } = await taking('take: {}', { takeId: ID });
      const orphan = { ...record, backup: { ...record?.backup, id: 'a.dump' } };
      await writeFile(join(directory, 'a.dump.muster.json'), JSON.stringify(orphan));
      const another = { ...orphan, take: { ...record?.take, id: ID.replace('0J', '0K') } };
      await writeFile(join(directory, 'b.dump.muster.json'), JSON.stringify({ ...another, take: undefined }));
      await slot('a.dump', owned(DEAD));
      await slot('b.dump', owned(DEAD));
      await slot(backupId, owned(DEAD));
      const { swept } = await taking();
      expect(swept).toContain('a.dump.muster.json');
      expect(await there()).toEqual(
        expect.arrayContaining(['b.dump.muster.json', backupId, `${backupId}${RECORD_SUFFIX}`]),
      );
    });
  });

  it('has a place that is there', async () => {
    const absent = taking('take: {}', { place: placeAt(join(directory, 'absent')) });
    await expect(absent).rejects.toEqual(fault('take_unwritable', 'mounted'));
  });

  it.runIf(canMount())('on a disk that fills up leaves nothing, and says so', async () => {
    for (const keys of ['take: {}', 'take: { format: directory }'])
      await onMounted('size=400k', async (path) => {
        await expect(taking(keys, { place: placeAt(path) })).rejects.toEqual(fault('no_space', 'room'));
        expect(await readdir(path)).toEqual([]);
      });
    await onMounted('size=400k,ro', async (path) => {
      await expect(taking('take: {}', { place: placeAt(path) })).rejects.toEqual(
        fault('take_unwritable', 'read-only'),
      );
    });
  });

  describe('can be read by', () => {
    const modes = async (keys?: string) => {
      const { backupId } = await taking(keys);
      const modeOf = async (name: string) => ((await stat(join(directory, name))).mode & 0o777).toString(8);
      return [await modeOf(backupId), await modeOf(`${backupId}${RECORD_SUFFIX}`)];
    };

    it('the user of Muster alone, whatever the umask is', async () => {
      expect(await modes()).toEqual(['600', '600']);
      expect(await modes('take: { format: directory }')).toEqual(['700', '600']);
    });

    it("the group of the directory, where its owner set that group's bit", async () => {
      await chmod(directory, 0o2770);
      expect(await modes()).toEqual(['640', '640']);
      expect(await modes('take: { format: directory }')).toEqual(['750', '640']);
    });
  });
});

const fault = (code: string, words: string) =>
  expect.toSatisfy(
    (error: unknown) =>
      isMusterError(error) &&
      error.code === code &&
      error.message.includes(words) &&
      !/postgresql:/.test(error.message),
    `${code}: ${words}`,
  );

/** A session that holds what this statement takes until it is ended. */
function held(server: DumpServer, database: string, statement: string) {
  const session = server.sql(
    database,
    `SET application_name = 'holder'; BEGIN; ${statement}; SELECT pg_sleep(60)`,
  );
  const ended = session.catch(() => undefined);
  return {
    end: async () => {
      await server.sql(
        'postgres',
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'holder'`,
      );
      await ended;
    },
  };
}
