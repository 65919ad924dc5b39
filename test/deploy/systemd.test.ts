import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Predicate } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsOf } from '../support/doc-commands.ts';
import { docker, dockerLines } from '../support/docker-cli.ts';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { eventually } from '../support/eventually.ts';
import { canRunIn } from '../support/needs.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { dumpShop } from '../support/shop-dump.ts';
import { bootSystemd, canBootSystemd, type SystemdMachine } from './systemd-machine.ts';

const PAGE = 'deploy/README.md';
const SERVICES = ['muster-producer', 'muster-sink', 'muster-api'] as const;
/** Tenths of what `systemd-analyze security` calls exposure. */
const MOST_EXPOSED = 12;
const MOST_EXPOSED_WITH_BUBBLEWRAP = 30;

describe.runIf(canBootSystemd() && canRunIn('docker') && canRunIn('bubblewrap'))('the systemd units', () => {
  let machine: SystemdMachine;
  let redis: RedisServer;
  let server: DumpServer;
  /** The same here and there: Docker, which is here, takes paths of the worker, which is there. */
  let folder: string;
  let runtime: string;
  let pool: string;
  let worker: string;
  let token: string;

  beforeAll(async () => {
    [redis, server] = await Promise.all([startRedis(), dumpServer(15)]);
    await chmod(dirname(redis.socket), 0o755);
    await chmod(redis.socket, 0o777);
    folder = await mkdtemp('/srv/mst-');
    await chmod(folder, 0o755);
    pool = basename(folder).toLowerCase();
    worker = `muster-worker@${pool}`;
    runtime = `/run/muster-${pool}`;
    await mkdir(runtime);
    await mkdir(join(folder, 'backups'));
    await dumpShop(join(folder, 'backups/shop_1.dump'));
    const same = [folder, runtime, dirname(redis.socket), server.dir].map((path) => `${path}:${path}`);
    machine = await bootSystemd([
      ...same,
      `${process.cwd()}:/opt/muster`,
      `${process.execPath}:/usr/local/bin/node`,
      `${dockerSocket()}:/run/docker.sock`,
    ]);
    await install();
  });
  afterAll(async () => {
    await machine?.close();
    await Promise.all([redis?.close(), server?.close()]);
    await rm(folder, { recursive: true, force: true });
    await rm(runtime, { recursive: true, force: true });
  });

  /** By the commands of deploy/README.md. */
  const install = async (): Promise<void> => {
    const [files = '', keys = '', start = ''] = await commandsOf(PAGE, '## systemd');
    await machine.sh(`cd /opt/muster\n${files}`);
    const made = await makeToken();
    token = made.token;
    await writeFile(join(folder, 'muster.yaml'), configuration(made.sha256));
    // Not watched there, so that what is changed is only read when systemd says so.
    await machine.sh(`ln -s ${folder}/muster.yaml /etc/muster/muster.yaml`);
    await writeFile(
      join(folder, 'environment'),
      `REDIS_URL=${redis.url}\nINDEX_URL=postgresql://postgres@/postgres?host=${server.dir}\n`,
    );
    await machine.sh(`cat ${folder}/environment > /etc/muster/environment`);
    // What this test has in /tmp, and that it need not wait.
    await machine.sh(`cat > /etc/systemd/system/muster-.service.d/90-test.conf <<END
[Service]
BindPaths=${dirname(redis.socket)} ${server.dir}
RestartSec=100ms
END`);
    await machine.sh(keys);
    await machine.sh(start.replaceAll('@default', `@${pool}`));
    await eventually('all are ready', async () => (await ready()).length === 4, 60_000);
  };

  const makeToken = async (): Promise<Made> =>
    JSON.parse(await machine.sh('muster token generate --json')) as Made;
  /** The configuration; resolves to what it was. */
  const edit = async (what: RegExp, by: string): Promise<string> => {
    const file = join(folder, 'muster.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(what, by));
    return text;
  };

  const configuration = (sha256: string): string => `
sources:
  - slug: shop
    kind: postgres
    pool: ${pool}
    backup: { type: dump, location: ${folder}/backups }
    scratch: { memory: 512MiB, disk: 1GiB }
    checks: [orders]
checks: [{ id: orders, summary_sql: 'SELECT 1 AS version, count(*) AS n FROM orders, pg_sleep(6)', expect: n == 1000 }]
scratch: { images: { postgres: 'muster.test/postgres:{major}' } }
redis: { url: env:REDIS_URL }
index: { url: env:INDEX_URL }
signing: { key: file:/run/secrets/signing.key }
evidence: { store: /var/lib/muster-evidence, keyring: /etc/muster/keys }
api: { tokens: [{ name: test, role: admin, sha256: ${sha256} }] }
`;

  const units = (): readonly string[] => [...SERVICES, worker];
  const said = async (unit: string, message: string): Promise<number> => {
    const log = await machine.sh(`journalctl --unit '${unit}' --output cat --no-pager`);
    return log.split(`"msg":"${message}"`).length - 1;
  };
  const ready = async (): Promise<readonly string[]> => {
    const counted = await Promise.all(
      units().map(async (unit) => ({ unit, times: await said(unit, 'ready') })),
    );
    return counted.flatMap(({ unit, times }) => (times > 0 ? [unit] : []));
  };
  const property = async (unit: string, name: string): Promise<string> =>
    (await machine.sh(`systemctl show --property ${name} --value '${unit}'`)).trim();

  const curl = async (path: string, ...args: readonly string[]): Promise<unknown> => {
    const auth = ['--silent', '--fail', '--header', `authorization: Bearer ${token}`];
    const { stdout } = await machine.run('curl', ...auth, ...args, `http://127.0.0.1:7655/api/v1${path}`);
    return stdout === '' ? undefined : JSON.parse(stdout);
  };
  const ask = async (): Promise<string> =>
    ((await curl('/drills', '--json', '{"source":"shop"}')) as { id: string }).id;
  const seen = async (drill: string): Promise<Seen> => (await curl(`/drills/${drill}`)) as Seen;
  const inCheck = (drill: string): Promise<void> =>
    eventually('its check runs', async () => (await seen(drill)).phase === 'check', 60_000);
  const receiptOf = async (drill: string): Promise<Seen['statement']> => {
    await eventually('it ended', async () => (await seen(drill)).state === 'ended', 60_000);
    return (await seen(drill)).statement;
  };

  const verify = async (): Promise<string> => {
    const files = units().map((unit) => `/etc/systemd/system/${unit}.service`);
    const { stdout, stderr } = await machine.run('systemd-analyze', 'verify', '--man=no', ...files);
    return stdout + stderr;
  };
  const exposure = async (unit: string): Promise<number> => {
    const text = await machine.sh(`systemd-analyze security --no-pager --json=off '${unit}.service'`);
    return Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1]) * 10;
  };

  it('are as systemd wants them', async () => {
    expect(await verify()).toBe('');
  });

  it('are as little exposed as can be', async () => {
    for (const unit of units()) expect(await exposure(unit), unit).toBeLessThanOrEqual(MOST_EXPOSED);
  });

  it('run as muster without powers, Docker is for the worker alone, the signing key for worker and sink', async () => {
    const muster = (await machine.sh('id -u muster')).trim();
    const group = (await machine.sh('getent group docker | cut -d: -f3')).trim();
    const seenOf = await Promise.all(
      units().map(async (unit) => {
        const pid = await property(unit, 'MainPID');
        const status = await machine.sh(`cat /proc/${pid}/status`);
        const field = (name: string): string =>
          new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? '';
        const key = await machine.run(
          'nsenter',
          '--target',
          pid,
          '--mount',
          'test',
          '-e',
          '/run/secrets/signing.key',
        );
        return {
          unit,
          user: field('Uid').split('\t')[0],
          powers: `${field('CapEff')} ${field('CapBnd')} ${field('NoNewPrivs')}`,
          docker: field('Groups').split(' ').includes(group),
          key: key.exitCode === 0,
        };
      }),
    );
    const powers = '0000000000000000 0000000000000000 1';
    expect(seenOf).toEqual([
      { unit: 'muster-producer', user: muster, powers, docker: false, key: false },
      { unit: 'muster-sink', user: muster, powers, docker: false, key: true },
      { unit: 'muster-api', user: muster, powers, docker: false, key: false },
      { unit: worker, user: muster, powers, docker: true, key: true },
    ]);
  });

  it('a worker that is stopped in the middle lets its drill end', async () => {
    const drill = await ask();
    await inCheck(drill);
    const [container = ''] = await dockerLines('ps', '--quiet', '--filter', `label=muster.drill=${drill}`);
    expect(await docker('inspect', '--format', '{{range .Mounts}}{{.Source}} {{end}}', container)).toContain(
      `${runtime}/muster/`,
    );
    await machine.sh(`systemctl stop '${worker}'`);
    expect(await property(worker, 'Result')).toBe('success');
    expect(await property(worker, 'ExecMainStatus')).toBe('0');
    expect(await receiptOf(drill)).toMatchObject({ result: 'pass', attempts: [{ outcome: 'pass' }] });
    expect(await dockerLines('ps', '--all', '--quiet', '--filter', `label=muster.drill=${drill}`)).toEqual(
      [],
    );
    await machine.sh(`systemctl start '${worker}'`);
  });

  it('reload: the producer reads its configuration again, the API its tokens, and both stay what they are', async () => {
    const processes = (): Promise<readonly string[]> =>
      Promise.all(['muster-producer', 'muster-api'].map((unit) => property(unit, 'MainPID')));
    const before = await processes();
    const times = await said('muster-producer', 'configuration in force');
    const next = await makeToken();
    await edit(/SELECT 1 AS/, 'SELECT 2 AS');
    await edit(/sha256: \w+/, `sha256: ${next.sha256}`);
    await machine.sh('systemctl reload muster-producer muster-api');
    await eventually(
      'it is in force',
      async () => (await said('muster-producer', 'configuration in force')) > times,
    );
    token = next.token;
    await eventually('the token is known', async () => (await curl('/sources')) !== undefined);
    expect(await processes()).toEqual(before);
  });

  it('what was killed is started again; what has a fault in its configuration is not', async () => {
    await machine.sh('systemctl kill --signal KILL muster-sink');
    await eventually('it is ready again', async () => (await said('muster-sink', 'ready')) === 2, 30_000);
    expect(await property('muster-sink', 'NRestarts')).toBe('1');
    const text = await edit(/$/, 'sauces: []\n');
    await machine.sh('systemctl stop muster-sink; systemctl start muster-sink');
    await eventually(
      'it ended',
      async () => (await property('muster-sink', 'ActiveState')) === 'failed',
      30_000,
    );
    expect(await property('muster-sink', 'ExecMainStatus')).toBe('64');
    expect(await property('muster-sink', 'NRestarts')).toBe('0');
    await writeFile(join(folder, 'muster.yaml'), text);
    await machine.sh('systemctl start muster-sink');
  });

  it('an API without configured tokens keeps the one that it makes out of the journal', async () => {
    const text = await edit(/tokens: .*\]/, 'tokens: []');
    const times = await said('muster-api', 'ready');
    await machine.sh('systemctl restart muster-api');
    await eventually('it is ready again', async () => (await said('muster-api', 'ready')) > times, 30_000);
    const configured = token;
    token = (await machine.sh('cat /run/muster.api/api-token-*')).trim();
    expect(await curl('/sources')).toBeDefined();
    expect(await machine.sh('journalctl --no-pager --output cat')).not.toContain('mst_');
    expect((await machine.sh('stat --format "%a %U" /run/muster.api /run/muster.api/*')).trim()).toBe(
      '700 muster\n600 muster',
    );
    await writeFile(join(folder, 'muster.yaml'), text);
    await machine.sh('systemctl restart muster-api');
    token = configured;
    await eventually('it is ready', async () => (await curl('/sources')) !== undefined, 30_000);
  });

  it('a worker without Docker drills in bubblewrap', async () => {
    const [, install = ''] =
      (await commandsOf(PAGE, '### Workers without Docker'))[0]?.split('postgresql\n') ?? [];
    await machine.sh(`cd /opt/muster\n${install}`);
    expect(await verify()).toBe('');
    expect(await exposure(worker)).toBeLessThanOrEqual(MOST_EXPOSED_WITH_BUBBLEWRAP);
    const receipt = await receiptOf(await ask());
    expect(receipt).toMatchObject({ result: 'pass', environment: { isolation: 'bubblewrap' } });
  });

  it('all of them stop in time, and leave nothing behind', async () => {
    await machine.sh(
      `systemctl stop ${units()
        .map((unit) => `'${unit}'`)
        .join(' ')}`,
    );
    for (const unit of units()) expect(await property(unit, 'Result'), unit).toBe('success');
    expect(await machine.sh(`find ${runtime}/muster -mindepth 1`)).toBe('');
  });
});

interface Seen {
  readonly state: string;
  readonly phase?: string;
  /** Of a drill that has ended. */
  readonly statement?: Predicate;
}

interface Made {
  readonly token: string;
  readonly sha256: string;
}

const dockerSocket = (): string =>
  process.env['DOCKER_HOST']?.replace('unix://', '') ?? '/var/run/docker.sock';
