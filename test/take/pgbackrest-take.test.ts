import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createPgbackrestRepository,
  createPgbackrestTake,
  findTaken,
  pgbackrestTool,
  type Taken,
  type ToolSpec,
} from '@muster/backups';
import { isMusterError, newTakeId, parseConfig, type SetType, type Source } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchivedCluster, archivedCluster } from '../support/archived-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { findProgram } from '../support/find-program.ts';
import { freePort } from '../support/free-port.ts';
import { musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';

const KILLS = Number(process.env['MUSTER_TEST_TAKE_KILLS'] ?? 2);
const MAY_RUN =
  canRunIn('docker 15') &&
  requirement(
    'pgbackrest-here',
    findProgram('pgbackrest') !== undefined,
    'there is no pgbackrest on the PATH (apt-get install pgbackrest)',
  );

describe.runIf(MAY_RUN)('a backup set that Muster takes', () => {
  let cluster: ArchivedCluster;
  beforeAll(async () => {
    cluster = await archivedCluster(await freePort());
  }, 60_000);
  afterAll(() => cluster?.remove());

  const byPlace = (passphrase = cluster.passphrase): ToolSpec['configured'] => ({
    by: 'place',
    place: async () => ({ type: 'directory', path: cluster.repository, passphrase }),
    server: { dataDirectory: cluster.dataDirectory, connection: async () => cluster.uri },
  });
  const byConfig = (): ToolSpec['configured'] => ({ by: 'config', path: cluster.config });

  interface Asked {
    readonly configured?: ToolSpec['configured'];
    readonly env?: ToolSpec['env'];
    readonly takeId?: string;
    readonly limit?: string;
    readonly onFile?: () => void;
    readonly signal?: AbortSignal;
  }
  const take = (type: SetType, asked: Asked = {}): Promise<Taken> => {
    const { configured = byPlace(), env = process.env } = asked;
    const { stanza, repository } = cluster;
    return createPgbackrestTake({
      tool: pgbackrestTool({ stanza, configured, env }),
      locationOf: async (path) => `file://${repository}/${path}`,
      stanza,
      now: () => new Date(),
    })(
      {
        takeId: asked.takeId ?? newTakeId(new Date()),
        source: source(asked.limit),
        type,
        trigger: { kind: 'cli' },
      },
      {
        onProgress: ({ fraction }) => fraction !== undefined && asked.onFile?.(),
        onOutput: () => undefined,
      },
      asked.signal ?? AbortSignal.timeout(60_000),
    );
  };
  const repository = () => {
    const { repository: path, passphrase, stanza } = cluster;
    const place = async () => ({ type: 'directory', path, passphrase }) as const;
    return createPgbackrestRepository({ stanza, location: path, place });
  };
  const listed = async (): Promise<readonly string[]> =>
    (await repository().list(AbortSignal.timeout(10_000))).map(({ id }) => id);
  const found = (takeId: string) =>
    findTaken({ repository: repository() }, takeId, AbortSignal.timeout(10_000));

  it('is not begun where the repository has no such stanza', async () => {
    await expect(take('full')).rejects.toMatchObject({
      code: 'stanza_missing',
      message: expect.stringContaining('stanza-create'),
    });
    await cluster.tool('stanza-create');
  });

  it('is what it became, of the size that pgBackRest tells, and listed', async () => {
    const first = await take('incr');
    expect(first.set).toMatchObject({ type: 'full' });
    const next = await take('diff');
    expect(next.set).toMatchObject({ type: 'diff', prior: first.backupId });
    expect(next.set?.databaseBytes).toBeGreaterThan(1024 * 1024);
    expect(next.set?.addedBytes).toBeLessThan(first.sizeBytes);
    expect(next.location).toBe(`file://${cluster.repository}/backup/main/${next.backupId}`);
    expect(await listed()).toEqual([next.backupId, first.backupId]);
  });

  it("is taken by a pgbackrest.conf of the server's owner as it is, and expires none", async () => {
    const before = await listed();
    const { backupId, set } = await take('full', { configured: byConfig() });
    expect(set).toMatchObject({ type: 'full' });
    expect(await listed()).toEqual([backupId, ...before]);
  });

  it('is taken by the command line, as the configuration says', async () => {
    const folder = await musterFolder({
      'muster.yaml': `sources:
  - slug: prod-db
    kind: postgres
    restore_only: true
    connection: { uri: env:PROD_URI }
    backup: { type: pgbackrest, stanza: main, repo: { path: ${cluster.repository}, cipher_pass: env:REPO_PASS } }
    take: { data_directory: ${cluster.dataDirectory}, type: diff, jobs: 1 }
`,
    });
    try {
      const env = { PROD_URI: cluster.uri, REPO_PASS: cluster.passphrase };
      const { exitCode, stdout, stderr } = await folder.run(['backup', 'take', '--json'], env);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      const taken = JSON.parse(stdout);
      expect(await listed()).toContain(taken.id);
      expect(taken.location).toBe(`file://${cluster.repository}/backup/main/${taken.id}`);
    } finally {
      await folder.remove();
    }
  });

  it('of a stanza that its configuration does not know is none, and says so, and where it was printed', async () => {
    const folder = await musterFolder({
      'muster.yaml': `sources:
  - slug: prod-db
    kind: postgres
    restore_only: true
    backup: { type: pgbackrest, stanza: mian, config: ${cluster.config} }
    take: { type: full }
`,
    });
    try {
      const { exitCode, stderr } = await folder.run(['backup', 'take']);
      expect([exitCode, stderr]).toEqual([
        2,
        expect.stringContaining('pgbackrest --stanza=mian stanza-create'),
      ]);
      const log = /What was printed is in (.+)/.exec(stderr)?.[1] ?? 'none';
      expect(await readFile(log, 'utf8')).toContain('does this stanza exist?');
    } finally {
      await folder.remove();
    }
  });

  it('is taken with no secret on a command line, and by nobody but the owner of the files', async () => {
    await using shim = await shimmed('id -u; echo "$@"');
    await take('incr', { env: shim.env });
    const told = await shim.told();
    expect(told).toContain('backup');
    expect(told).not.toContain(cluster.passphrase);
    expect(told).not.toContain(cluster.uri);
    expect(told.split('\n')[0]).toBe(String(cluster.owner.uid));
  });

  it('is found by its take when its worker died, and no set that another made meanwhile is', async () => {
    const takeId = newTakeId(new Date());
    await cluster.tool('--type=incr', 'backup');
    expect(await found(takeId)).toBeUndefined();
    const { backupId } = await take('incr', { takeId });
    expect(await found(takeId)).toMatchObject({ backupId });
  });

  it('is taken by a pgBackRest that knows no annotations, and then found by none', async () => {
    const old = `case "$*" in *--annotation*) echo "ERROR: [031]: invalid option '--annotation'"; exit 31;; esac`;
    await using shim = await shimmed(':', old);
    const takeId = newTakeId(new Date());
    const { backupId } = await take('incr', { takeId, env: shim.env });
    expect(await listed()).toContain(backupId);
    expect(await found(takeId)).toBeUndefined();
  });

  it('that takes longer than it may is stopped, says so, and is in no list', async () => {
    const before = await listed();
    await using shim = await shimmed(':', 'case "$*" in *backup) exec sleep 60;; esac');
    await expect(take('full', { env: shim.env, limit: '1s' })).rejects.toMatchObject({
      code: 'time_limit',
      message: expect.stringContaining('limit of 1 s'),
    });
    expect(await listed()).toEqual(before);
  });

  it('waits for nobody who holds the lock of the stanza', async () => {
    const holder = spawn(
      'flock',
      [join(cluster.config, '../lock/main-backup.lock'), 'sh', '-c', 'echo; cat'],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
        ...cluster.owner,
        cwd: '/',
      },
    );
    try {
      await once(holder.stdout, 'data');
      await expect(take('incr', { configured: byConfig() })).rejects.toMatchObject({ code: 'take_overrun' });
    } finally {
      holder.stdin.end();
      await once(holder, 'close');
    }
  });

  it('says what is missing: the program, the passphrase, the archive, the server', async () => {
    await expect(take('incr', { env: { PATH: '/nowhere' } })).rejects.toMatchObject({ code: 'tool_missing' });
    const wrong = byPlace('another');
    await expect(take('incr', { configured: wrong })).rejects.toMatchObject({ code: 'decrypt_failed' });
    await cluster.sql("ALTER SYSTEM SET archive_command = 'false'");
    await cluster.sql('SELECT pg_reload_conf()');
    await expect(take('incr', { configured: byConfig() })).rejects.toMatchObject({
      code: 'archiving_failed',
    });
    await cluster.sql('ALTER SYSTEM RESET archive_command');
    await cluster.sql('SELECT pg_reload_conf()');
    await cluster.stop();
    await expect(take('incr')).rejects.toMatchObject({ code: 'source_unreachable' });
    await cluster.start();
  });

  it(`that was killed or cancelled is in no list, and the next clears it away, ${KILLS} times`, async () => {
    await using shim = await shimmed('echo $$');
    const whole = new Set(await listed());
    const swept: string[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      const stop = new AbortController();
      const kill = async () => {
        if (round % 2 === 1) return stop.abort();
        const pid = Number((await shim.told()).trim().split('\n').at(-1));
        // With those of its own, which hold its lock for as long as they copy.
        const { stdout } = spawnSync('ps', ['--ppid', String(pid), '-o', 'pid='], { encoding: 'utf8' });
        for (const one of [pid, ...stdout.split('\n').map(Number)]) if (one > 0) process.kill(one, 'SIGKILL');
      };
      let files = 1 + Math.floor(Math.random() * 900);
      const onFile = () => {
        files -= 1;
        if (files === 0) void kill();
      };
      await take('full', { env: shim.env, signal: stop.signal, onFile }).then(
        (taken) => {
          whole.add(taken.backupId);
          swept.push(...taken.swept);
        },
        // What its own processes still hold for a moment is no backup either.
        (error: unknown) =>
          expect(['cancelled', 'take_failed', 'take_overrun']).toContain(isMusterError(error) && error.code),
      );
      expect(new Set(await listed())).toEqual(whole);
    }
    let last: Taken | undefined;
    await eventually('the lock of the last that was killed is free', async () => {
      last = await take('full').catch((error: unknown) => {
        if (!isMusterError(error, 'take_overrun')) throw error;
        return undefined;
      });
      return last !== undefined;
    });
    if (last === undefined) throw new Error('nothing was taken');
    expect([...swept, ...last.swept]).not.toEqual([]);
    expect(new Set(await listed())).toEqual(whole.add(last.backupId));
    await cluster.tool('verify');
  });
});

/** A pgbackrest on a PATH that writes down what `tells` says, and does `first`, before it becomes the real one. */
async function shimmed(tells: string, first = ':') {
  const folder = await mkdtemp(join(tmpdir(), 'muster-shim-'));
  await chmod(folder, 0o777);
  const script = `#!/bin/sh\n{ ${tells}; } >> ${folder}/told\n${first}\nexec ${findProgram('pgbackrest')} "$@"\n`;
  await writeFile(join(folder, 'pgbackrest'), script, { mode: 0o755 });
  return {
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
    told: () => readFile(join(folder, 'told'), 'utf8'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** A take asks nothing of it but what it is given beside. */
function source(limit = '1h'): Source {
  const parsed = parseConfig(
    `sources: [{ slug: prod-db, kind: postgres, restore_only: true, backup: { type: pgbackrest, stanza: main, repo: { path: /r } }, take: { data_directory: /d, limit: ${limit} } }]\nchecks: []\n`,
    { file: 'muster.yaml', baseDirectory: '/' },
  );
  const one = parsed.ok ? parsed.config.sources[0] : undefined;
  if (one === undefined) throw new Error('the configuration has faults');
  return one;
}
