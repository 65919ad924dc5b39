import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { removeKeptVolumes } from '../../support/docker-cli.js';
import { spawnWorker } from '../../support/spawn-worker.js';
import { type Bench, createBench, LIMITS, type MakeHost, never, type Subject, sh } from './subject.js';

/** Data that outlives its cell: one cell at a time, and nothing of it that leads elsewhere. */
export function keptContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: kept data`, () => {
    let bench: Bench;
    let keep = { key: '', form: 'one' };
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
    });
    beforeEach(() => {
      keep = { key: `${bench.options.stateDir}/${randomUUID()}`, form: 'one' };
    });
    afterAll(async () => {
      await bench?.close();
      if (bench?.host.isolation === 'docker') await removeKeptVolumes(bench.options.stateDir);
    });

    /** Runs a script in a cell with the kept data, and tells what the cell said of it. */
    const run = (script: string, asked = keep) =>
      bench.within(
        async (scratch) => {
          const { stdout, stderr } = await sh(scratch, `cd "${scratch.dataDir}"; ${script}`);
          return { kept: scratch.kept, said: `${stdout}${stderr}`.trim() };
        },
        { data: 'disk', keep: asked },
      );

    it('is there for the next cell, which is told', async () => {
      expect(await run('echo one > file; ls')).toEqual({ kept: 'new', said: 'file' });
      const kept = (await bench.host.kept(never())).filter(({ key }) => key === keep.key);
      expect(kept).toEqual([{ key: keep.key, name: expect.any(String), expiresAt: expect.any(Date) }]);
      expect(await run('cat file')).toEqual({ kept: 'kept', said: 'one' });
      expect(await run('ls', { ...keep, key: `${keep.key}-other` })).toEqual({ kept: 'new', said: '' });
    });

    it('begins anew where it is to be of another form', async () => {
      await run('echo one > file');
      expect(await run('ls', { ...keep, form: 'two' })).toEqual({ kept: 'new', said: '' });
      expect(await run('ls')).toEqual({ kept: 'new', said: '' });
    });

    it('has no links, pipes or second names for a file left in it, and no closed directories', async () => {
      await run(
        'mkdir -p dir/closed; echo plain > dir/plain; echo in > dir/closed/in; ln -s /etc/passwd link; ln -s / dir/root; mkfifo pipe; echo two > a; ln a b; chmod 000 dir/closed dir/plain',
      );
      const after = await run('find . ! -type d | sort; cat dir/closed/in dir/plain');
      expect(after.kept).toBe('kept');
      const [first, ...rest] = after.said.split('\n');
      expect(['./a', './b']).toContain(first);
      expect(rest).toEqual(['./dir/closed/in', './dir/plain', 'in', 'plain']);
    });

    it('is for one cell at a time: another has nothing of it, and leaves nothing', async () => {
      await run('echo one > file');
      await bench.within(
        async (first) => {
          expect(first.kept).toBe('kept');
          expect(await run('ls; echo other > other')).toEqual({ kept: 'throwaway', said: '' });
        },
        { data: 'disk', keep },
      );
      expect(await run('ls')).toEqual({ kept: 'kept', said: 'file' });
    });

    it('is not kept where its cell was lost', async () => {
      const scratch = await bench.launch({ data: 'disk', keep, limits: { ...LIMITS, diskBytes: 32 << 20 } });
      const filling = sh(scratch, `head -c 100000000 /dev/zero > "${scratch.dataDir}/big"; sleep 60`);
      await expect(filling).rejects.toMatchObject({ code: 'scratch_disk_full' });
      await scratch.destroy();
      const again = { data: 'disk', keep, limits: { ...LIMITS, diskBytes: 32 << 20 } } as const;
      expect(await bench.within(async ({ kept }) => kept, again)).toBe('new');
    });

    it('is free again when its worker was killed', async () => {
      await run('echo one > file');
      const worker = await spawnWorker({
        module: subject.module,
        options: bench.options,
        image: subject.image,
        spec: {
          drillId: 'drl_01JD0000000000000000000003',
          user: subject.user,
          limits: LIMITS,
          data: 'disk',
          keep,
          mounts: [],
        },
        script: 'sleep 60',
      });
      await worker.kill();
      await bench.host.sweep(never());
      // A directory of this machine goes with the cell that had it; a volume stays where it is.
      const left = bench.host.isolation === 'docker' ? ['kept', 'file'] : ['new', ''];
      expect(Object.values(await run('ls'))).toEqual(left);
    });
  });
}
