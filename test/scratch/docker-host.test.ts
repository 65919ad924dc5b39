import { createDockerHost, detectDocker } from '@muster/scratch';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { docker, dockerLines, listenToDocker } from '../support/docker-cli.js';
import { findProgram } from '../support/find-program.js';
import { hostProcesses } from '../support/host-processes.js';
import { hasImage, hasLayouts, IMAGES, postgresUser } from '../support/images.js';
import { startRegistry } from '../support/registry.js';
import { requirement } from '../support/requirement.js';
import { spawnWorker } from '../support/spawn-worker.js';
import { tinySystem } from '../support/tiny-system.js';
import { type Bench, createBench, LIMITS, MIB, never, type Subject, sh } from './contract/subject.js';
import { makeHost } from './docker-maker.js';

const stands = requirement('docker', hasImage(IMAGES[15]), `no Docker with the image ${IMAGES[15]} answers`);
const subject: Subject = {
  module: new URL('./docker-maker.ts', import.meta.url).href,
  image: IMAGES[15],
  user: stands ? postgresUser(IMAGES[15]) : '',
  binDir: '/usr/lib/postgresql/15/bin',
};

/** Containers and volumes of one drill. */
const leftOf = async (drill: string): Promise<readonly string[]> => [
  ...(await dockerLines('ps', '-aq', '--filter', `label=muster.drill=${drill}`)),
  ...(await dockerLines('volume', 'ls', '-q', '--filter', `label=muster.drill=${drill}`)),
];

const ownerLabels = (drill: string, worker: string, expires: string): readonly string[] =>
  [`muster.drill=${drill}`, `muster.worker=${worker}`, `muster.expires=${expires}`].flatMap((label) => [
    '--label',
    label,
  ]);

describe.runIf(stands)('what Docker holds of a scratch', () => {
  let bench: Bench;
  let drillId: string;
  beforeAll(async () => {
    bench = await createBench(makeHost, subject);
  });
  beforeEach(() => {
    drillId = `drl_test${Math.floor(Math.random() * 1e9)}`;
  });
  afterEach(async () => {
    expect(await leftOf(drillId)).toEqual([]);
  });
  afterAll(() => bench?.close());

  it('a launch that is cancelled at any moment leaves no container and no volume', async () => {
    for (let delay = 0; delay < 400; delay += 20) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), delay);
      await bench.launch({ drillId, data: 'disk' }, abort.signal).then(
        (scratch) => scratch.destroy(),
        (error) => expect(error).toMatchObject({ code: 'cancelled' }),
      );
      clearTimeout(timer);
      expect(await leftOf(drillId)).toEqual([]);
    }
  });

  it('a volume that no quota bounds is not claimed to be bounded', async () => {
    await bench.within(
      async (scratch) => {
        const [volume] = await dockerLines('volume', 'ls', '-q', '--filter', `label=muster.drill=${drillId}`);
        const options = await docker('volume', 'inspect', '--format', '{{.Options}}', volume ?? '');
        const { diskBytes, ...others } = LIMITS;
        const bounded = options.includes(`size:${diskBytes}`) ? { disk_bytes: diskBytes } : {};
        expect(scratch.limits).toEqual({
          cpus: 2,
          memory_bytes: others.memoryBytes,
          pids: others.pids,
          ...bounded,
        });
      },
      { drillId, data: 'disk' },
    );
  });

  it('is labelled, keeps no log, and keeps the profiles that Docker has', async () => {
    await bench.within(
      async () => {
        const [id = ''] = await dockerLines('ps', '-q', '--filter', `label=muster.drill=${drillId}`);
        const [{ Config, HostConfig }] = JSON.parse(await docker('inspect', id));
        expect(Config.Labels).toMatchObject({ 'muster.drill': drillId });
        expect(Config.Labels['muster.worker']).toMatch(new RegExp(`/${process.pid}/\\d+$`));
        expect(new Date(Config.Labels['muster.expires']).getTime()).toBeGreaterThan(Date.now());
        expect(HostConfig).toMatchObject({
          LogConfig: { Type: 'none' },
          SecurityOpt: ['no-new-privileges'],
          Privileged: false,
          MemorySwap: LIMITS.memoryBytes,
        });
      },
      { drillId },
    );
  });

  it('a worker killed leaves no container and no volume, within seconds', async () => {
    const events = await listenToDocker('type=container', 'type=volume', 'event=destroy');
    const worker = await spawnWorker({
      module: subject.module,
      options: bench.options,
      image: subject.image,
      spec: { drillId, user: subject.user, limits: LIMITS, data: 'disk', mounts: [] },
      script: 'sleep 1000',
    });
    const [container = ''] = await dockerLines(
      'ps',
      '-q',
      '--no-trunc',
      '--filter',
      `label=muster.drill=${drillId}`,
    );
    const [volume = ''] = await dockerLines(
      'volume',
      'ls',
      '-q',
      '--filter',
      `label=muster.drill=${drillId}`,
    );
    await worker.kill();
    await events.heard(`container destroy ${container}`, 5_000);
    await events.heard(`volume destroy ${volume}`, 5_000);
    events.stop();
    await bench.host.sweep(never());
  });

  it('one that ends from outside is lost at once, and what ran in it is told so', async () => {
    await bench.within(
      async (scratch) => {
        const run = sh(scratch, 'sleep 1000');
        const ended = expect(run).rejects.toMatchObject({ code: 'scratch_lost' });
        const [container = ''] = await dockerLines('ps', '-q', '--filter', `label=muster.drill=${drillId}`);
        await docker('kill', container);
        expect(await scratch.lost).toMatchObject({ reason: 'scratch_lost' });
        await ended;
        expect(await scratch.diagnose()).toMatchObject({ reason: 'scratch_lost' });
      },
      { drillId },
    );
  });

  it('an image that is renamed between preparing and launching is refused', async () => {
    await docker('tag', IMAGES[15], 'muster.test/moving:1');
    const base = await bench.host.prepare({ image: 'muster.test/moving:1', probe: 'true' }, never());
    await docker('rmi', 'muster.test/moving:1');
    const spec = {
      drillId,
      expiresAt: new Date(Date.now() + 60_000),
      user: subject.user,
      limits: LIMITS,
    } as const;
    const launch = bench.host.launch(base, { ...spec, data: 'memory', mounts: [] }, never());
    await expect(launch).rejects.toMatchObject({ code: 'image_unavailable' });
  });

  it('a file is not shown over a directory of the image, and the next scratch is reached as ever', async () => {
    const other = await createBench(makeHost, subject);
    const mounts = [{ hostPath: import.meta.filename, path: '/usr/share/doc' }];
    await expect(other.launch({ mounts })).rejects.toMatchObject({
      code: 'launch_failed',
      message: expect.stringContaining('not a directory'),
    });
    await other.within(async ({ reach }) => expect(reach).toBe('shared'));
    await other.close();
  });

  it('no secret of a tool with the network is in its configuration or its processes', async () => {
    const secret = `hunter2-${Math.random()}`;
    let inspected = Promise.resolve('');
    await bench.host.runNetworked(
      bench.base,
      {
        argv: ['sh', '-c', 'echo up >&2; sleep 1'],
        secretEnv: { PGPASSWORD: secret },
        user: subject.user,
        directories: [],
        onStderr: () => {
          inspected = dockerLines('ps', '-q', '--filter', 'label=muster.drill=-').then((ids) =>
            docker('inspect', ...ids),
          );
          expect(hostProcesses(secret)).toEqual([]);
        },
      },
      never(),
    );
    expect(await inspected).toContain('muster.worker');
    expect(await inspected).not.toContain(secret);
  });

  describe('a sweep', () => {
    const dead = async (): Promise<string> => {
      const [host, kernel] = (await workerLabel()).split('/');
      return `${host}/${kernel}/4194301/1`;
    };
    const workerLabel = async (): Promise<string> =>
      await bench.within(
        async () => {
          const [id = ''] = await dockerLines('ps', '-q', '--filter', `label=muster.drill=${drillId}`);
          return await docker('inspect', '--format', '{{index .Config.Labels "muster.worker"}}', id);
        },
        { drillId },
      );
    const make = (...labels: readonly string[]): Promise<string> =>
      docker('create', ...labels, IMAGES[15], 'true');
    const soon = (): string => new Date(Date.now() + 3_600_000).toISOString();
    const past = '2020-01-01T00:00:00.000Z';

    it('takes what is expired, and what a dead process of this machine left', async () => {
      const expired = await make(...ownerLabels(drillId, 'elsewhere/other:1/1/1', past));
      const orphan = await make(...ownerLabels(drillId, await dead(), soon()));
      const volume = await docker('volume', 'create', ...ownerLabels(drillId, await dead(), soon()));
      const swept = await bench.host.sweep(never());
      expect(swept).toContain(`volume ${volume}`);
      expect(await dockerLines('ps', '-aq', '--no-trunc')).not.toContain(expired);
      expect(await dockerLines('ps', '-aq', '--no-trunc')).not.toContain(orphan);
    });

    it('leaves what is not surely left', async () => {
      const kept = [
        await make(...ownerLabels(drillId, 'elsewhere/other:1/4194301/1', soon())),
        await make(...ownerLabels(drillId, await workerLabel(), soon())),
        await make(...ownerLabels(drillId, 'nonsense', past)),
        await make(...ownerLabels(drillId, await dead(), 'nonsense')),
        await make('--label', `muster.drill=${drillId}`, '--label', `muster.expires=${past}`),
        await make('--label', `drill=${drillId}`),
      ];
      try {
        await bench.host.sweep(never());
        expect(await dockerLines('ps', '-aq', '--no-trunc')).toEqual(expect.arrayContaining(kept));
      } finally {
        await docker('rm', ...kept);
      }
    });
  });
});

describe.runIf(stands)('an image', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await createBench(makeHost, subject);
  });
  afterAll(() => bench?.close());

  it('that is nowhere to be had is unavailable, and the message says what to do', async () => {
    const absent = bench.host.prepare({ image: '127.0.0.1:1/muster/absent:17', probe: 'true' }, never());
    await expect(absent).rejects.toMatchObject({
      code: 'image_unavailable',
      message: expect.stringMatching(
        /127\.0\.0\.1:1\/muster\/absent:17.*refused.*docker pull.*scratch\.images/s,
      ),
    });
  });

  it.each(['prepare', 'inspect'] as const)('that is nowhere to be had: %s gives the remedy', async (look) => {
    const request = { image: '127.0.0.1:1/muster/absent:17', probe: 'true', remedy: 'Build it' };
    await expect(bench.host[look](request, never())).rejects.toMatchObject({
      code: 'image_unavailable',
      message: expect.stringMatching(/refused.*\. Build it$/s),
    });
  });

  it('whose name is no name is unavailable', async () => {
    const absent = bench.host.prepare({ image: 'Not A Name', probe: 'true' }, never());
    await expect(absent).rejects.toMatchObject({ code: 'image_unavailable' });
  });

  const busybox = findProgram('busybox');
  const canPull = requirement(
    'busybox',
    busybox !== undefined,
    'a static BusyBox is what the pulled image holds',
  );
  it.runIf(canPull)('that is absent is pulled with progress, and its digest is the registry’s', async () => {
    const registry = await startRegistry(await tinySystem(busybox ?? '', 48 * MIB));
    try {
      const found = await detectDocker(process.env, never());
      if (!found.available) throw new Error(found.reason);
      expect(await found.hasImage(registry.reference)).toBe(false);
      expect(await found.canPull(registry.reference, never())).toBe(true);
      expect(await found.canPull(`${registry.reference}-absent`, never())).toBe(false);

      const progress: { readonly bytes: number; readonly totalBytes: number }[] = [];
      const request = {
        image: registry.reference,
        probe: 'echo here',
        onPull: (now: (typeof progress)[0]) => progress.push(now),
      };
      const base = await bench.host.prepare(request, never());
      expect(base).toEqual({
        isolation: 'docker',
        image: registry.reference,
        imageDigest: registry.digest,
        facts: 'here\n',
      });
      expect(progress.length).toBeGreaterThan(0);
      for (const { bytes, totalBytes } of progress) expect(bytes).toBeLessThanOrEqual(totalBytes);
      expect(progress.map(({ bytes }) => bytes)).toEqual(
        progress.map(({ bytes }) => bytes).toSorted((a, b) => a - b),
      );
    } finally {
      await registry.close();
      await docker('rmi', '-f', registry.reference);
    }
  });

  it.runIf(canPull)('that is not wanted any more is not pulled to its end', async () => {
    const registry = await startRegistry(await tinySystem(busybox ?? '', 48 * MIB));
    try {
      const abort = new AbortController();
      const request = { image: registry.reference, probe: 'echo here', onPull: () => abort.abort() };
      await expect(bench.host.prepare(request, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    } finally {
      await registry.close();
    }
  });
});

const layouts = requirement(
  'docker-layouts',
  hasLayouts,
  'the stand-ins for the official images could not be made',
);
describe.runIf(stands && layouts)('an image that declares a volume', () => {
  it('gives its scratch no more room for that', async () => {
    const drillId = `drl_test${Math.floor(Math.random() * 1e9)}`;
    const bench = await createBench(makeHost, { ...subject, image: IMAGES.official, user: '999:999' });
    await bench.within(
      async (scratch) => {
        expect((await sh(scratch, 'touch /var/lib/postgresql/data/x')).exitCode).not.toBe(0);
        const [id = ''] = await dockerLines('ps', '-q', '--filter', `label=muster.drill=${drillId}`);
        const mounts: { Type: string; Destination: string; RW: boolean }[] = JSON.parse(
          await docker('inspect', '--format', '{{json .Mounts}}', id),
        );
        expect(mounts.map(({ Type, Destination, RW }) => [Type, Destination, RW]).toSorted()).toEqual([
          ['bind', scratch.innerSocketDir, true],
          ['tmpfs', '/var/lib/postgresql/data', false],
        ]);
      },
      { drillId },
    );
    await bench.close();
  });
});

describe('looking for Docker', () => {
  it('says what to do where none listens, and where it is no Docker', async () => {
    for (const [address, reason] of [
      ['unix:///nowhere/docker.sock', /no Docker daemon listens at unix:\/\/\/nowhere/],
      ['tcp://127.0.0.1:1', /no Docker daemon listens/],
      ['ssh://host', /neither unix/],
    ] as const) {
      const found = await detectDocker({ DOCKER_HOST: address }, never());
      expect(found).toMatchObject({ available: false, reason: expect.stringMatching(reason) });
    }
  });

  it('a host without a daemon cannot prepare', async () => {
    const bench = createDockerHost({
      runtimeDir: '/tmp/mst-none',
      stateDir: '/tmp/mst-none',
      env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
    const prepare = bench.prepare({ image: 'postgres:17', probe: 'true' }, never());
    await expect(prepare).rejects.toMatchObject({ code: 'launch_failed' });
  });
});
