import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostProcesses } from '../../support/host-processes.js';
import { type Bench, createBench, LIMITS, type MakeHost, MIB, type Subject, sh } from './subject.js';

/** What a cell takes from its machine is bounded, and says so when it was the bound that ended it. */
export function limitsContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: a greedy process in a cell`, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
    });
    afterAll(() => bench?.close());

    const fill = (path: string, mib: number): string =>
      `dd if=/dev/zero of=${path} bs=1048576 count=${mib} 2>&1; code=$?; stat -c %s ${path}; exit $code`;

    it('finds an empty data directory that is its own alone', async () => {
      for (const data of ['memory', 'disk'] as const) {
        await bench.within(
          async (scratch) => {
            const { stdout } = await sh(
              scratch,
              `stat -c "%u:%g %a" ${scratch.dataDir}; ls -A ${scratch.dataDir}`,
            );
            expect(stdout).toBe(`${subject.user} 700\n`);
            expect(
              (await sh(scratch, `echo x > ${scratch.dataDir}/x && cat ${scratch.dataDir}/x`)).stdout,
            ).toBe('x\n');
          },
          { data },
        );
      }
    });

    it('cannot fill a data directory in memory beyond its bound, and the cell knows why', async () => {
      await bench.within(async (scratch) => {
        expect(scratch.limits.disk_bytes).toBe(LIMITS.diskBytes);
        expect(await scratch.diagnose()).toBeUndefined();
        const { exitCode, stdout } = await sh(scratch, fill(`${scratch.dataDir}/big`, 512));
        expect(exitCode).not.toBe(0);
        expect(Number(stdout.trim().split('\n').at(-1))).toBeLessThanOrEqual(LIMITS.diskBytes);
        expect(await scratch.diagnose()).toMatchObject({ reason: 'scratch_disk_full' });
      });
    });

    it('cannot fill a data directory on disk without being ended, and the cell knows why', async () => {
      await bench.within(
        async (scratch) => {
          const run = sh(
            scratch,
            `while :; do dd if=/dev/zero of=${scratch.dataDir}/$$.$((n+=1)) bs=1048576 count=64 || exit 1; done`,
          );
          const ended = await run.then(
            ({ exitCode }) => exitCode,
            (error) => error.code,
          );
          // A bound that holds by itself is met as ENOSPC; one that is only watched ends the cell.
          expect(ended).toBe(scratch.limits.disk_bytes === undefined ? 'scratch_disk_full' : 1);
          expect(await scratch.diagnose()).toMatchObject({ reason: 'scratch_disk_full' });
        },
        { data: 'disk' },
      );
    });

    it.each(['/tmp', '/dev/shm'])('cannot write 1 GiB into %s', async (directory) => {
      await bench.within(
        async (scratch) => {
          expect((await sh(scratch, fill(`${directory}/big`, 1024))).exitCode).not.toBe(0);
        },
        { limits: { ...LIMITS, memoryBytes: 2048 * MIB } },
      );
    });

    it('cannot use the socket directory as a disk', async () => {
      await bench.within(async (scratch) => {
        const run = sh(scratch, `(${fill(`${scratch.innerSocketDir}/big`, 1024)}) || exit; sleep 60`);
        const ended = await run.then(
          ({ exitCode }) => exitCode,
          (error) => error.code,
        );
        expect(ended).toBe(scratch.reach === 'shared' ? 'scratch_disk_full' : 1);
      });
    });

    it('that wants more memory than there is dies alone, and the cell knows why', async (context) => {
      await bench.within(async (scratch) => {
        context.skip(scratch.limits.memory_bytes === undefined, 'this isolation cannot hold memory here');
        const { exitCode } = await sh(scratch, 'tail /dev/zero');
        expect(exitCode).toBe(137);
        expect(await scratch.diagnose()).toMatchObject({ reason: 'scratch_out_of_memory' });
        expect((await sh(scratch, 'echo alive')).stdout).toBe('alive\n');
      });
    });

    it('that forks without end stays within its bound, and the cell is still destroyed', async (context) => {
      const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
      const scratch = await bench.launch();
      try {
        context.skip(scratch.limits.pids === undefined, 'this isolation cannot hold processes here');
        const { exitCode } = await sh(
          scratch,
          `i=0; while [ $i -lt 1000 ]; do sleep ${marker} </dev/null >/dev/null 2>&1 & i=$((i+1)); done`,
        );
        expect(exitCode).not.toBe(0);
        const count = hostProcesses(marker).length;
        expect(count).toBeGreaterThan(LIMITS.pids / 2);
        expect(count).toBeLessThanOrEqual(LIMITS.pids);
      } finally {
        await scratch.destroy();
      }
      expect(hostProcesses(marker)).toEqual([]);
    });

    it('that forks faster than it can be killed is gone with its cell', async (context) => {
      const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
      const scratch = await bench.launch();
      let bomb: Promise<unknown> = Promise.resolve();
      try {
        context.skip(scratch.limits.pids === undefined, 'this isolation cannot hold processes here');
        await new Promise<void>((resolve) => {
          bomb = sh(scratch, `echo up >&2; b() { b ${marker} | b & }; b; sleep ${marker}`, {
            onStderr: () => resolve(),
          }).catch(() => {});
        });
      } finally {
        await scratch.destroy();
      }
      await bomb;
      expect(hostProcesses(marker)).toEqual([]);
    });
  });
}
