import { createDockerHost, type HostOptions } from '@muster/scratch';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { findProgram } from '../support/find-program.js';
import { hostProcesses } from '../support/host-processes.js';
import { type OwnDaemon, startDaemon } from '../support/own-daemon.js';
import { requirement } from '../support/requirement.js';
import { tinySystem } from '../support/tiny-system.js';
import { type Bench, createBench, never, sh } from './contract/subject.js';

const can =
  process.getuid?.() === 0 && findProgram('dockerd') !== undefined && findProgram('busybox') !== undefined;

describe.runIf(requirement('own-dockerd', can, 'needs root, dockerd and a static BusyBox'))(
  'Docker that stops',
  () => {
    let daemon: OwnDaemon;
    let bench: Bench;
    beforeEach(async () => {
      daemon = await startDaemon();
      daemon.importImage(await tinySystem(findProgram('busybox') ?? ''), 'muster.test/tiny:1');
      const env = { DOCKER_HOST: daemon.host };
      const makeHost = async (options: HostOptions) => createDockerHost({ ...options, env });
      const subject = { module: '', image: 'muster.test/tiny:1', user: '1000:1000', binDir: '' };
      bench = await createBench(makeHost, subject, 'true');
    });
    afterEach(async () => {
      await bench?.close();
      await daemon?.close();
    });

    it.each(['SIGTERM', 'SIGKILL'] as const)(
      'by %s in the middle loses the scratch at once, and all that ran in it',
      async (signal) => {
        const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
        const scratch = await bench.launch();
        try {
          const run = sh(scratch, `sleep ${marker}`);
          const ended = expect(run).rejects.toMatchObject({
            code: 'scratch_lost',
            message: expect.stringContaining('Docker'),
          });
          await eventually('it runs', () => hostProcesses(marker).length > 0);
          const stopped = daemon.stop(signal);
          expect(await scratch.lost).toMatchObject({ reason: 'scratch_lost' });
          await ended;
          await stopped;
          // A daemon that was killed leaves its containers; theirs is to notice that nobody speaks any more.
          await eventually('its processes are gone', () => hostProcesses(marker).length === 0, 60_000);
          expect(await scratch.diagnose()).toMatchObject({ reason: 'scratch_lost' });
        } finally {
          await scratch.destroy();
        }
        await expect(bench.launch()).rejects.toMatchObject({ code: 'launch_failed' });
        await expect(bench.host.sweep(never())).rejects.toMatchObject({ code: 'launch_failed' });
      },
    );
  },
);
