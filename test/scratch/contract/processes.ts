import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable, Writable } from 'node:stream';
import type { Scratch } from '@muster/scratch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { hostProcesses } from '../../support/host-processes.js';
import { type Bench, createBench, type MakeHost, MIB, never, type Subject, sh } from './subject.js';

/** How `exec` treats processes and their streams. */
export function processesContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: a process in a cell`, () => {
    let bench: Bench;
    let scratch: Scratch;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
      scratch = await bench.launch();
    });
    afterAll(async () => {
      await scratch?.destroy();
      await bench?.close();
    });

    it.each([
      ['true', 0],
      ['exit 3', 3],
      ['/no/such/tool', 127],
      ['kill -9 $$', 137],
    ])('%s ends with its own exit code %i', async (script, exitCode) => {
      expect((await sh(scratch, script)).exitCode).toBe(exitCode);
    });

    it('that does not exist ends with 127', async () => {
      expect((await scratch.exec({ argv: ['/no/such/tool'] }, never())).exitCode).toBe(127);
    });

    it('gets its arguments and environment byte by byte', async () => {
      const odd = ' two  words\n"quoted" \'single\' $HOME `id` \\ é ';
      const result = await scratch.exec(
        { argv: ['/bin/sh', '-c', 'printf "%s|%s" "$1" "$ODD"', 'sh', odd], env: { ODD: odd } },
        never(),
      );
      expect(result.stdout).toBe(`${odd}|${odd}`);
    });

    it('has none of the environment of the worker', async () => {
      process.env['MUSTER_TEST_SECRET'] = 'hunter2';
      expect((await sh(scratch, 'env')).stdout).not.toContain('hunter2');
    });

    it('keeps stdout and stderr apart, and tells stderr as it comes', async () => {
      const heard: string[] = [];
      const result = await sh(scratch, 'echo out; echo err >&2', { onStderr: (text) => heard.push(text) });
      expect(result).toEqual({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' });
      expect(heard.join('')).toBe('err\n');
    });

    it('without stdin reads an end of file at once', async () => {
      expect(await sh(scratch, 'cat; echo end')).toMatchObject({ exitCode: 0, stdout: 'end\n' });
    });

    it('gets 200 MB of stdin and gives them back as they were', async () => {
      const piece = randomBytes(MIB);
      const sent = createHash('sha256');
      const received = createHash('sha256');
      const result = await scratch.exec(
        {
          argv: ['cat'],
          stdin: Readable.from(
            (function* () {
              for (let i = 0; i < 200; i++) {
                piece.writeUInt32LE(i);
                sent.update(piece);
                yield Buffer.from(piece);
              }
            })(),
            { objectMode: false },
          ),
          stdout: new Writable({
            write(chunk, _encoding, done) {
              received.update(chunk);
              done();
            },
          }),
        },
        never(),
      );
      expect(result.exitCode).toBe(0);
      expect(received.digest('hex')).toBe(sent.digest('hex'));
    });

    it('is collected only by its last 64 KiB', async () => {
      const { stdout, stderr } = await sh(
        scratch,
        'head -c 300000 /dev/zero | tr "\\0" x; echo end; head -c 300000 /dev/zero | tr "\\0" y >&2; echo END >&2',
      );
      expect([stdout.length, stderr.length]).toEqual([65_536, 65_536]);
      expect([stdout.endsWith('xend\n'), stderr.endsWith('yEND\n')]).toEqual([true, true]);
    });

    it('that ends without reading its stdin still tells its exit code, and lets the source go', async () => {
      const endless = new Readable({
        read() {
          this.push(Buffer.alloc(65_536));
        },
      });
      expect((await sh(scratch, 'exit 4', { stdin: endless })).exitCode).toBe(4);
      expect(endless.destroyed).toBe(true);
    });

    it('is killed when its stdin fails, and the fault is the one of the stdin', async () => {
      const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
      const fault = new Error('the disk of the backup broke');
      const broken = new Readable({ read() {} });
      broken.push('x');
      const run = sh(scratch, `head -c 1 >&2; sleep ${marker}`, {
        stdin: broken,
        onStderr: () => broken.destroy(fault),
      });
      await expect(run).rejects.toBe(fault);
      await eventually('the process is gone', () => hostProcesses(marker).length === 0);
    });

    it('is killed alone when its stdin fails before it has begun', async () => {
      for (let time = 0; time < 5; time += 1) {
        const fault = new Error('the disk of the backup is broken');
        const broken = new Readable({ read: () => setImmediate(() => broken.destroy(fault)) });
        await expect(sh(scratch, 'cat', { stdin: broken })).rejects.toBe(fault);
      }
      expect((await sh(scratch, 'echo here')).stdout).toBe('here\n');
    });

    it('is killed with its children when it is aborted', async () => {
      const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
      const abort = new AbortController();
      const run = sh(
        scratch,
        `sleep ${marker} & sleep ${marker} & echo up >&2; wait`,
        { onStderr: () => abort.abort() },
        abort.signal,
      );
      await expect(run).rejects.toMatchObject({ code: 'cancelled' });
      await eventually('the processes are gone', () => hostProcesses(marker).length === 0);
      expect((await sh(scratch, 'true')).exitCode).toBe(0);
    });

    it('is not started at all when it is aborted already', async () => {
      const run = sh(
        scratch,
        'touch "$DATA/started"',
        { env: { DATA: scratch.dataDir } },
        AbortSignal.abort(),
      );
      await expect(run).rejects.toMatchObject({ code: 'cancelled' });
      expect((await sh(scratch, `test -e ${scratch.dataDir}/started`)).exitCode).toBe(1);
    });

    it('leaves no zombies when it orphans its children', async () => {
      await sh(scratch, 'for i in 1 2 3 4 5 6 7 8; do (sleep 0.1 &) ; done');
      await eventually('the orphans are reaped', async () => {
        const { stdout } = await sh(
          scratch,
          'cat /proc/[0-9]*/stat 2>/dev/null | grep -c "^[0-9]* (sleep) "',
        );
        // One sleep may be the cell's own clock.
        return Number(stdout) <= 1;
      });
    });

    it('writes to a stream that stays open, for it may be only a part', async () => {
      const target = new PassThrough();
      await sh(scratch, 'echo one', { stdout: target });
      await sh(scratch, 'echo two', { stdout: target });
      expect(String(target.read())).toBe('one\ntwo\n');
    });

    it('is killed when nobody takes its output any more', async () => {
      const fault = new Error('the disk is full');
      const broken = new Writable({ write: (_chunk, _encoding, done) => done(fault) });
      await expect(sh(scratch, 'cat /dev/zero', { stdout: broken })).rejects.toBe(fault);
      await eventually(
        'it is gone',
        async () => (await sh(scratch, 'cat /proc/[0-9]*/cmdline')).stdout.includes('/dev/zero') === false,
      );
    });

    it('is killed when its output waits for somebody who is gone', async () => {
      const abort = new AbortController();
      const stuck = new Writable({ highWaterMark: 1, write: () => abort.abort() });
      const run = sh(scratch, 'cat /dev/zero', { stdout: stuck }, abort.signal);
      await expect(run).rejects.toMatchObject({ code: 'cancelled' });
      expect((await sh(scratch, 'echo alive')).stdout).toBe('alive\n');
    });
  });
}
