import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { detectBubblewrap, type Scratch } from '@muster/scratch';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { hostProcesses } from '../support/host-processes.js';
import { requirement } from '../support/requirement.js';
import type { Order } from '../support/scratch-worker.js';
import { spawnWorker } from '../support/spawn-worker.js';
import { makeHost } from './bubblewrap-maker.js';
import { type Bench, createBench, LIMITS, never, type Subject, sh } from './contract/subject.js';
import { scratchContract } from './contract.js';

const subject: Subject = {
  module: new URL('./bubblewrap-maker.ts', import.meta.url).href,
  image: '',
  user: '999:999',
  binDir: '/usr/lib/postgresql/15/bin',
};
const isRoot = requirement('root', process.getuid?.() === 0, 'not started as root');
const isX64 = requirement('x64', process.arch === 'x64', 'the calls are numbered as on x86-64');
const newMarker = (): string => `98765.${Math.floor(Math.random() * 1e9)}`;

const found = await detectBubblewrap(never());
const canRun =
  requirement('bubblewrap', found.available, found.available ? '' : `${found.why}; ${found.remedy}`) &&
  requirement(
    'postgresql-15',
    existsSync(`${subject.binDir}/initdb`),
    `no ${subject.binDir}/initdb: install it`,
  );

describe.runIf(canRun)('on this machine', () => {
  scratchContract('bubblewrap', makeHost, subject);

  describe('bubblewrap', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
    });
    afterAll(() => bench?.close());

    it('is found to work', async () => {
      expect(await detectBubblewrap(never())).toEqual({ available: true });
    });

    it('runs nothing as root on the machine, whoever started it', async () => {
      const marker = newMarker();
      await bench.within(async (scratch) => {
        const run = sh(scratch, `exec sleep ${marker}`).catch(() => {});
        await eventually('it runs', () => hostProcesses(`sleep\0${marker}`).length === 1);
        const owners = hostProcesses(marker).map((pid) => /^Uid:\s+(.*)$/m.exec(status(pid))?.[1]);
        const uid = isRoot ? 65534 : process.getuid?.();
        expect(new Set(owners)).toEqual(new Set([Array(4).fill(uid).join('\t')]));
        await scratch.destroy();
        await run;
      });
    });

    it('bounds the processes of each cell by itself', async () => {
      const spec = { limits: { ...LIMITS, pids: 40 } };
      const many = (n: number): string => `for i in $(seq ${n}); do sleep 60 <&- >&- 2>&- & done && echo all`;
      await bench.within(async (first) => {
        await bench.within(async (second) => {
          expect([first.limits.pids, second.limits.pids]).toEqual([40, 40]);
          expect((await sh(first, many(25))).stdout).toBe('all\n');
          expect((await sh(second, many(25))).stdout).toBe('all\n');
          expect((await sh(first, many(25))).stdout).toBe('');
          expect((await sh(second, 'echo alive')).stdout).toBe('alive\n');
        }, spec);
      }, spec);
    });

    it.runIf(isRoot)('takes what an unprivileged user could not walk to', async () => {
      const closed = await mkdtemp('/root/mst-');
      await chmod(closed, 0o700);
      await writeFile(`${closed}/shown`, 'here', { mode: 0o644 });
      await bench.within(
        async (scratch) => {
          expect((await sh(scratch, 'cat /mnt/shown')).stdout).toBe('here');
        },
        { mounts: [{ hostPath: `${closed}/shown`, path: '/mnt/shown' }] },
      );
      await rm(closed, { recursive: true });
    });

    it('is lost when somebody kills its first process, and so is what ran in it', async () => {
      const marker = newMarker();
      await bench.within(async (scratch) => {
        const run = sh(scratch, `exec sleep ${marker}`);
        const ended = expect(run).rejects.toMatchObject({ code: 'scratch_lost' });
        await eventually('it runs', () => hostProcesses(`sleep\0${marker}`).length === 1);
        const [pid = 0] = hostProcesses(`sleep\0${marker}`);
        process.kill(firstOf(pid), 'SIGKILL');
        expect(await scratch.lost).toMatchObject({ reason: 'scratch_lost' });
        await ended;
        expect(await scratch.diagnose()).toMatchObject({ reason: 'scratch_lost' });
        await expect(sh(scratch, 'true')).rejects.toMatchObject({ code: 'scratch_lost' });
      });
    });

    it('kills with an aborted process what it has sent away, and nothing else', async () => {
      const [gone, stays] = [newMarker(), newMarker()];
      await bench.within(async (scratch) => {
        expect((await sh(scratch, `setsid sleep ${stays} <&- >&- 2>&- &`)).exitCode).toBe(0);
        const abort = new AbortController();
        const script = `(setsid sleep ${gone} &); (setsid sh -c "sleep ${gone} & exit" &); echo up >&2; sleep 60`;
        const run = sh(scratch, script, { onStderr: () => abort.abort() }, abort.signal);
        await expect(run).rejects.toMatchObject({ code: 'cancelled' });
        await eventually('it is gone', () => hostProcesses(gone).length === 0, 1_000);
        expect(hostProcesses(stays).length).toBe(1);
      });
      expect(hostProcesses(stays)).toEqual([]);
    });

    it.runIf(isX64).each([
      ['keyctl', 'syscall(250, 0, -3, 0)'],
      ['unshare', 'syscall(272, 0x10000000)'],
      ['io_uring_setup', 'syscall(425, 1, 0)'],
      ['syslog', 'syscall(103, 10, 0, 0)'],
    ])('lets nothing inside call %s', async (_name, call) => {
      await bench.within(async (scratch) => {
        const { stdout } = await sh(scratch, `perl -e 'print ${call} == -1 ? $!+0 : "done"'`);
        expect(stdout).toBe(`${constants.errno.EPERM}`);
      });
    });

    it('removes what is made to be irremovable', async () => {
      const deep = `perl -e '$n = "0" x 200; for (1..60) { mkdir $n; chdir $n or die } mkdir "x"; chmod 0, "x", "."'`;
      await bench.within(
        async (scratch) => {
          expect((await sh(scratch, `cd ${scratch.dataDir} && ${deep}`)).exitCode).toBe(0);
          expect((await sh(scratch, `cd ${scratch.innerSocketDir} && ${deep}`)).exitCode).toBe(0);
        },
        { data: 'disk' },
      );
      expect(await readdir(bench.options.runtimeDir)).toEqual([]);
      expect(await readdir(`${bench.options.stateDir}/cells`)).toEqual([]);
    });
  });

  describe('bubblewrap: a hostile dump in PostgreSQL', () => {
    let bench: Bench;
    let scratch: Scratch;
    let client: pg.Client;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
      process.env['MUSTER_TEST_SECRET'] = 'hunter2';
      scratch = await bench.launch();
      const server = startServer(scratch.dataDir, scratch.innerSocketDir, 'hostile');
      void sh(scratch, server).catch(() => {});
      await eventually('the server accepts', () => accepts(`${scratch.socketDir}/s`), 60_000);
      await scratch.expose({ name: '.s.PGSQL.5432', tcpPort: 5432 });
      client = new pg.Client({ host: scratch.socketDir, user: 'postgres', database: 'postgres' });
      await client.connect();
    });
    afterAll(async () => {
      await client?.end();
      await scratch?.destroy();
      await bench?.close();
    });

    const fromProgram = async (script: string): Promise<string> => {
      await client.query('create temp table seen (line text)');
      await client.query(`copy seen from program ${pg.escapeLiteral(script)} delimiter e'\\x01'`);
      const { rows } = await client.query('select line from seen');
      await client.query('drop table seen');
      return rows.map(({ line }) => line).join('\n');
    };

    it.each([
      [
        'a network',
        "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev | grep -vE '^(lo|tunl|sit|ip6|gre|erspan|ip_vti)'; true",
      ],
      ['a home', 'ls -A /root /home "$HOME/.ssh" 2>/dev/null; true'],
      [
        'a file of the worker',
        `cat ${import.meta.filename} /proc/*/root${import.meta.filename} 2>/dev/null; true`,
      ],
      [
        'a secret of the worker',
        "{ env; cat /proc/*/environ | tr '\\000' '\\n'; } 2>/dev/null | grep -a hunter2; true",
      ],
      [
        'a process of the worker',
        "cat /proc/*/cmdline 2>/dev/null | tr '\\000' ' ' | grep -a 'vites[t]'; true",
      ],
    ])('does not see %s', async (_what, script) => {
      expect(await fromProgram(script)).toBe('');
    });

    it('does run, so that the above is worth something', async () => {
      expect(await fromProgram('echo here; id -un')).toBe('here\npostgres');
    });
  });

  describe('bubblewrap: the worker', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
    });
    afterAll(() => bench?.close());
    const order = (script: string): Order => ({
      module: subject.module,
      options: bench.options,
      image: '',
      spec: {
        drillId: 'drl_01JD0000000000000000000001',
        user: '999:999',
        limits: LIMITS,
        data: 'disk',
        mounts: [],
      },
      script,
    });

    it('takes its server along at once when it is killed', async () => {
      const marker = newMarker();
      const worker = await spawnWorker(order(startServer('/data', '/sock', marker)));
      await eventually('the server accepts', () => accepts(worker.socketDir), 60_000);
      const client = connect(`${worker.socketDir}/.s.PGSQL.5432`);
      const closed = new Promise<number>((resolve) => client.once('close', () => resolve(Date.now())));
      client.on('error', () => {});
      await new Promise((resolve) => client.once('connect', resolve));
      const killed = Date.now();
      await worker.kill();
      expect((await closed) - killed).toBeLessThan(2_000);
      await eventually('no process is left', () => hostProcesses(marker).length === 0, 2_000);
      expect((await bench.host.sweep(never())).length).toBe(2);
      expect(await readdir(`${bench.options.stateDir}/cells`)).toEqual([]);
    });

    it('passes on nothing that it was started with', async () => {
      const secret = await mkdtemp('/tmp/mst-fd-');
      await writeFile(`${secret}/secret`, 'hunter2');
      const fd = openSync(`${secret}/secret`, 'r');
      // At 9 and above: those below are taken by what bubblewrap is to be given.
      const worker = await spawnWorker(
        order(
          'for fd in /proc/[0-9]*/fd/*; do readlink "$fd"; done > /sock/seen 2>/dev/null; touch /sock/done; sleep 60',
        ),
        Array(8).fill(fd),
      );
      await eventually('it has looked', async () => (await readdir(worker.socketDir)).includes('done'));
      const seen = await readFile(`${worker.socketDir}/seen`, 'utf8');
      expect(seen).toContain('/sock/seen');
      expect(seen).not.toContain('secret');
      await worker.kill();
      closeSync(fd);
      await rm(secret, { recursive: true });
      await bench.host.sweep(never());
    });
  });

  describe.runIf(isRoot)('bubblewrap as an ordinary user', () => {
    const run = (argv: readonly string[]): Promise<{ code: number | null; output: string }> =>
      new Promise((resolve, reject) => {
        const child = spawn('setpriv', ['--reuid=4711', '--regid=4711', '--clear-groups', ...argv], {
          env: { PATH: process.env['PATH'], TMPDIR: '/tmp', HOME: '/nonexistent', NO_COLOR: '1' },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let output = '';
        child.stdout.on('data', (piece) => {
          output += piece;
        });
        child.stderr.on('data', (piece) => {
          output += piece;
        });
        child.once('error', reject);
        child.once('close', (code) => resolve({ code, output }));
      });

    it('keeps all of this too', { timeout: 300_000 }, async () => {
      // Vitest keeps a file of its own there.
      const home = await mkdtemp('/tmp/mst-home-');
      await chown(home, 4711, 4711);
      const root = new URL('../..', import.meta.url).pathname;
      const { code, output } = await run([
        ...['env', `HOME=${home}`, process.execPath],
        `${root}node_modules/vitest/vitest.mjs`,
        'run',
        `--root=${root}`,
        '--configLoader=runner',
        `--config=${root}test/vitest.config.ts`,
        import.meta.filename,
      ]);
      await rm(home, { recursive: true });
      expect(code, output).toBe(0);
    });

    it('says what to switch on where user namespaces are off', async () => {
      const script = `import { detectBubblewrap } from '@muster/scratch';
      console.log(JSON.stringify(await detectBubblewrap(new AbortController().signal)));`;
      const { output } = await run([
        ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
        'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"',
        ...['sh', process.execPath, '--conditions=muster-source', '--disable-warning=ExperimentalWarning'],
        ...['--import', new URL('../support/resolve-source.mjs', import.meta.url).pathname],
        ...['--input-type=module', '-e', script],
      ]);
      expect(JSON.parse(output)).toEqual({
        available: false,
        why: 'user namespaces are switched off',
        remedy: 'run: sysctl -w user.max_user_namespaces=15000',
      });
    });
  });
});

const startServer = (data: string, sockets: string, name: string): string =>
  `${subject.binDir}/initdb -D ${data} -U postgres -A trust --no-sync -E UTF8 --locale=C >/dev/null && exec ${subject.binDir}/postgres -D ${data} -c fsync=off -c listen_addresses= -c unix_socket_directories=${sockets} -c cluster_name=${name}`;

/** True once a server at this directory answers as one that is ready. */
async function accepts(directory: string): Promise<boolean> {
  const client = new pg.Client({ host: directory, user: 'postgres', database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');

/** Pid on this machine of the process that is number 1 in the innermost PID namespace of `pid`. */
function firstOf(pid: number): number {
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`);
  const first = hostProcesses('').find(
    (other) => linkOf(`/proc/${other}/ns/pid`) === namespace && /^NSpid:.*\s1$/m.test(status(other)),
  );
  if (first === undefined) throw new Error('no first process');
  return first;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
