import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, ending } from '../support/ending.ts';
import { eventually } from '../support/eventually.ts';
import { hostProcesses } from '../support/host-processes.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const COMMAND = join(process.cwd(), 'packages/cli/bin/muster.mjs');
const CHECK = 'checks: [{ id: c, summary_sql: "SELECT count(*) AS n FROM t", expect: "n == 1" }]';
const config = (more = '') => `
sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: dumps }, checks: [c]${more} }]
${CHECK}
`;

describe.runIf(canRunIn('bubblewrap'))('muster up', () => {
  let folder: string;
  let up: ChildProcess;
  const log: string[] = [];
  const env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    MUSTER_STATE_DIR: join(folder, 'state'),
    NO_COLOR: '1',
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
  });
  const muster = (...args: readonly string[]): Promise<Ended> => {
    const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'];
    return ending(spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: env(), stdio }));
  };
  const logged = (text: string): Promise<void> =>
    eventually(`it logs ${text}`, () => log.some((line) => line.includes(text)), 60_000);

  const start = async (): Promise<void> => {
    log.length = 0;
    up = spawn(process.execPath, [COMMAND, 'up'], {
      cwd: folder,
      env: env(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (up.stderr === null) throw new Error('stderr is a pipe');
    createInterface({ input: up.stderr }).on('line', (line) => log.push(line));
    await logged('"service":"worker","pool"');
  };
  /** Where it has its socket. One for each state directory: others may be up beside it. */
  const own = (): string =>
    `up-${createHash('sha256').update(join(folder, 'state')).digest('hex').slice(0, 8)}`;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-up-'));
    await mkdir(join(folder, 'dumps'));
    await writeFile(
      join(folder, 'dumps/shop.sql'),
      plainDump('CREATE TABLE t (n int); INSERT INTO t VALUES (1);'),
    );
    await writeFile(join(folder, 'muster.yaml'), `${config()}api: { listen: "unix:${folder}/api.sock" }\n`);
    await start();
  });
  afterAll(async () => {
    up?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('needs two sections of configuration to drill in a fleet, from asking to a receipt that verifies', async () => {
    const watched = await muster('drill', 'enqueue', '--watch', '--json');
    expect(watched).toMatchObject({ exitCode: 0 });
    const { drill_id: drillId, receipt } = JSON.parse(watched.stdout);
    expect(watched.stderr).toContain('check c: pass');
    expect(
      await muster('verify', join('evidence', receipt), '--keyring', 'keys', '--require-pass'),
    ).toMatchObject({
      exitCode: 0,
    });
    expect((await muster('drill', 'list')).stdout).toContain(drillId);
    expect(await muster('drill', 'watch', drillId)).toMatchObject({ exitCode: 0 });
  });

  it('draws a backup by lot that anybody can draw again, and warns where no new backup comes', async () => {
    const drilled = async (...args: readonly string[]) => {
      const { stdout, exitCode } = await muster('drill', 'enqueue', '--watch', '--json', ...args);
      expect(exitCode).toBe(0);
      const { receipt, drill_id: drillId } = JSON.parse(stdout);
      const { predicate } = JSON.parse((await muster('drill', 'show', '--json', drillId)).stdout);
      return { receipt, predicate };
    };
    const { receipt, predicate } = await drilled('--random', '--days', '14');
    expect(predicate.restore_point).toMatchObject({ kind: 'random', asked: '14d', resolved: 'shop.sql' });
    const verified = await muster('verify', join('evidence', receipt), '--keyring', 'keys');
    expect(verified).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/random choice .*shop\.sql/),
    });
    await drilled('--oldest');
    await drilled('--oldest');
    const { restore } = (await drilled()).predicate;
    expect(restore.warnings).toContainEqual({ code: 'newest_unchanged', count: 3 });
  });

  it('says which drill it does not know', async () => {
    const unknown = 'drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C';
    for (const command of ['watch', 'cancel']) {
      const { exitCode, stderr } = await muster('drill', command, unknown);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringContaining(`No drill ${unknown}`),
      });
    }
  });

  it('takes a configuration that is pushed, and none with faults', async () => {
    await writeFile(join(folder, 'next.yaml'), config(', pool: eu'));
    const pushed = await muster('config', 'push', '--config', 'next.yaml', '--json');
    expect(pushed).toMatchObject({ exitCode: 0 });
    await writeFile(join(folder, 'bad.yaml'), config(', pool: "no pool"'));
    expect(await muster('config', 'push', '--config', 'bad.yaml')).toMatchObject({ exitCode: 64 });
  });

  it('serves whatever pools are in force', async () => {
    const pushed = JSON.parse((await muster('drill', 'enqueue', '--json')).stdout);
    expect(pushed).toMatchObject({ pool: 'eu' });
    expect(await muster('drill', 'watch', pushed.drill_id)).toMatchObject({ exitCode: 0 });
  });

  it('says once of each worker that Docker cannot be used, and why', async () => {
    expect(await muster('drill', 'enqueue', '--watch')).toMatchObject({ exitCode: 0 });
    const said = log.filter((line) => line.includes('scratches run in bubblewrap'));
    expect(said).toHaveLength(2);
    expect(said[0]).toContain('no Docker daemon listens at unix:///nowhere/docker.sock');
    const doctor = await muster('doctor', '--json');
    expect(doctor).toMatchObject({ exitCode: 0 });
    const { findings } = JSON.parse(doctor.stdout) as { findings: { subject: string; detail: string }[] };
    const server = findings.find(({ subject }) => subject === 'shop: server');
    expect(server?.detail).toContain('in bubblewrap: no Docker daemon listens');
  });

  it('reads its file again on SIGHUP and when it changes, and stays with the old one where it has faults', async () => {
    await writeFile(join(folder, 'muster.yaml'), config(', schedule: "61 3 * * *"'));
    up.kill('SIGHUP');
    await logged('the one in force stays');
    await writeFile(join(folder, 'muster.yaml'), config(', schedule: "0 3 * * *"'));
    await logged('"sources_changed":1,"sources_removed":0,"schedules_added":1');
    up.kill('SIGHUP');
    await logged('the configuration file is unchanged, and in force');
  });

  it('logs lines of JSON and nothing else, what is told beside the log included', () => {
    expect(log.some((line) => line.includes('Made a signing key'))).toBe(true);
    expect(log.map((line) => JSON.parse(line))).toEqual(
      log.map(() => expect.objectContaining({ msg: expect.any(String) })),
    );
  });

  it('keeps the token that it made in a file, out of its log', async () => {
    const name = `api-token-unix-${folder.slice(1).replaceAll('/', '-')}-api.sock`;
    const file = join(folder, 'state', name);
    expect(log).toContainEqual(
      expect.stringContaining(` takes the token of this file until it stops: ${file}`),
    );
    expect(await readFile(file, 'utf8')).toMatch(/^mst_/);
    expect(log.join('\n')).not.toContain('mst_');
  });

  it('is refused a second time over the same state', async () => {
    const { exitCode, stderr } = await muster('up');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('Another muster up runs'),
    });
  });

  it('keeps its index from a rebuild, and from another over the same state with a Redis of its own', async () => {
    const another = { ...env(), MUSTER_REDIS_URL: 'redis://127.0.0.1:1' };
    for (const args of [['up'], ['index', 'rebuild']]) {
      const child = spawn(process.execPath, [COMMAND, ...args], {
        cwd: folder,
        env: another,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(await ending(child)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('Another muster up runs'),
      });
    }
  });

  it('ends with everything that it started, and its socket', async () => {
    expect(await readdir('/run/muster')).toContain(own());
    const gone = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGTERM');
    expect(await gone).toBe(0);
    expect(hostProcesses(folder)).toEqual([]);
    expect(await readdir('/run/muster')).not.toContain(own());
  });

  it('killed, takes everything that it started with it, and its socket', async () => {
    await start();
    up.kill('SIGKILL');
    await eventually('nothing of it runs', () => hostProcesses(folder).length === 0, 30_000);
    expect(await readdir('/run/muster')).not.toContain(own());
  });
});
