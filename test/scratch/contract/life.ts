import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { hostProcesses } from '../../support/host-processes.js';
import { spawnWorker } from '../../support/spawn-worker.js';
import { type Bench, createBench, LIMITS, type MakeHost, never, type Subject, sh } from './subject.js';

/** A cell lives no longer than its owner, its worker and its time; and nothing is left of it. */
export function lifeContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: the life of a cell`, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
    });
    afterEach(async () => {
      expect(await socketDirectories()).toEqual([]);
    });
    afterAll(() => bench?.close());

    const socketDirectories = (): Promise<string[]> => readdir(bench.options.runtimeDir).catch(() => []);
    const newMarker = (): string => `98765.${Math.floor(Math.random() * 1e9)}`;
    /** A process that leaves its parent, its session and its terminal, and ignores every signal it can. */
    const daemon = (marker: string): string =>
      `trap "" HUP TERM INT; (setsid nohup sleep ${marker} >/dev/null 2>&1 </dev/null &) ; sleep ${marker}`;

    it('ends with destroy, daemons included, and once is enough', async () => {
      const marker = newMarker();
      const scratch = await bench.launch();
      const run = sh(scratch, daemon(marker));
      const ended = expect(run).rejects.toMatchObject({ code: 'scratch_lost' });
      await eventually('both run', () => hostProcesses(marker).length >= 2);
      await Promise.all([scratch.destroy(), scratch.destroy()]);
      expect(hostProcesses(marker)).toEqual([]);
      await scratch.destroy();
      await ended;
      await expect(sh(scratch, 'true')).rejects.toMatchObject({ code: 'scratch_lost' });
    });

    it('that is destroyed is not lost', async () => {
      const scratch = await bench.launch();
      await scratch.destroy();
      const nothing = new Promise((resolve) => setImmediate(resolve, 'nothing'));
      expect(await Promise.race([scratch.lost, nothing])).toBe('nothing');
    });

    it('is removed with its drill, although its worker lives, and no other cell with it', async () => {
      const marker = newMarker();
      const drillId = 'drl_01JD0000000000000000000002';
      const worker = await spawnWorker({
        module: subject.module,
        options: bench.options,
        image: subject.image,
        spec: { drillId, user: subject.user, limits: LIMITS, data: 'disk', mounts: [] },
        script: daemon(marker),
      });
      await eventually('both run', () => hostProcesses(marker).length >= 2);
      worker.process.kill('SIGSTOP');
      await bench.within(async (mine) => {
        await bench.host.removeCells(drillId, never());
        await eventually('its processes are gone', () => hostProcesses(`sleep\0${marker}`).length === 0);
        expect((await socketDirectories()).length).toBe(1);
        expect((await sh(mine, 'echo alive')).stdout).toBe('alive\n');
      });
      await worker.kill();
      await bench.host.sweep(never());
    });

    it('has a host that says what it has', async () => {
      const capacity = await bench.host.capacity(never());
      expect(capacity.memoryBytes).toBeGreaterThan(0);
      expect(capacity.hostId).toBe((await bench.host.capacity(never())).hostId);
    });

    it('ends with its worker, even by SIGKILL, and a sweep takes away what is left, and nothing else', async () => {
      const marker = newMarker();
      const worker = await spawnWorker({
        module: subject.module,
        options: bench.options,
        image: subject.image,
        spec: {
          drillId: 'drl_01JD0000000000000000000001',
          user: subject.user,
          limits: LIMITS,
          data: 'disk',
          mounts: [],
        },
        script: daemon(marker),
      });
      await eventually('both run', () => hostProcesses(marker).length >= 2);
      await bench.within(async (mine) => {
        await mkdir(`${bench.options.runtimeDir}/0123456789ab`);
        await writeFile(`${bench.options.runtimeDir}/0123456789ab/not-ours`, '');
        // Others may have left something on this machine; from here on there is only what is made here.
        await bench.host.sweep(never());
        expect((await socketDirectories()).length).toBe(3);
        await worker.kill();
        await eventually(
          'its processes are gone',
          () => hostProcesses(`sleep\0${marker}`).length === 0,
          10_000,
        );
        const swept = await bench.host.sweep(never());
        expect(swept.length).toBeGreaterThan(0);
        expect((await socketDirectories()).length).toBe(2);
        expect((await sh(mine, 'echo alive')).stdout).toBe('alive\n');
        expect(await bench.host.sweep(never())).toEqual([]);
      });
      expect(await socketDirectories()).toEqual(['0123456789ab']);
      await rm(`${bench.options.runtimeDir}/0123456789ab`, { recursive: true });
    });

    it('does not go beyond its time', async () => {
      const marker = newMarker();
      const scratch = await bench.launch({ expiresAt: new Date(Date.now() + 4_000) });
      try {
        const run = sh(scratch, `sleep ${marker}`);
        const ended = expect(run).rejects.toMatchObject({ code: 'scratch_lost' });
        expect(await scratch.lost).toMatchObject({ reason: 'scratch_lost' });
        await ended;
        await eventually('its processes are gone', () => hostProcesses(marker).length === 0);
      } finally {
        await scratch.destroy();
      }
    });

    it('does not begin when it is cancelled already', async () => {
      await expect(bench.launch({}, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    });

    it.each([1, 10, 30, 60, 100, 150, 250, 400])(
      'cancelled %i ms into its launch leaves nothing',
      async (delay) => {
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(), delay);
        const spec = { data: 'disk', limits: { ...LIMITS, pids: 100 + delay } } as const;
        // Where the launch was faster than the abort there is a cell to destroy: what counts is what is left.
        await bench.launch(spec, abort.signal).then(
          (scratch) => scratch.destroy(),
          (error) => expect(error).toMatchObject({ code: 'cancelled' }),
        );
        clearTimeout(timer);
      },
    );

    it('that shows a file which is not there does not begin, and the file is not made', async () => {
      const hostPath = `${bench.options.stateDir}/no-such-file`;
      await bench.within(async (probe) => {
        if (!probe.mounts) return;
        const launch = bench.launch({ mounts: [{ hostPath, path: '/mnt/shown' }] });
        await expect(launch).rejects.toMatchObject({ code: 'launch_failed' });
        expect(await readdir(bench.options.stateDir).catch(() => [])).not.toContain('no-such-file');
      });
    });
  });
}
