import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { Writable } from 'node:stream';
import type { NetworkedCommand } from '@muster/scratch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { hostProcesses } from '../../support/host-processes.js';
import { type Bench, createBench, type MakeHost, never, type Subject } from './subject.js';

/** The one tool that may use the network: caged in every other way, and its secrets stay its own. */
export function networkedContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: a tool with the network`, () => {
    let bench: Bench;
    let listener: Server;
    let directory: string;
    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
      directory = await mkdtemp('/tmp/mst-net-');
      await chmod(directory, 0o755);
      listener = createServer((socket) => socket.end('reached\n')).listen(0, '127.0.0.1');
      await new Promise((resolve) => listener.once('listening', resolve));
    });
    afterAll(async () => {
      listener?.close();
      await rm(directory, { recursive: true, force: true });
      await bench?.close();
    });

    const command = (script: string, more: Partial<NetworkedCommand> = {}): NetworkedCommand => ({
      argv: ['bash', '-c', script],
      secretEnv: {},
      user: subject.user,
      directories: [],
      ...more,
    });

    it('reaches a port of this machine', async () => {
      const address = listener.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const result = await bench.host.runNetworked(
        bench.base,
        command(`exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`),
        never(),
      );
      expect(result).toMatchObject({ exitCode: 0, stdout: 'reached\n' });
    });

    it('has no capability, no writable system and no root', async () => {
      const { stdout } = await bench.host.runNetworked(
        bench.base,
        command('id -u; cat /proc/self/status; touch /etc/x /usr/x /x 2>&1 | grep -c .'),
        never(),
      );
      expect(stdout.split('\n')[0]).toBe(subject.user.split(':')[0]);
      expect(stdout).toMatch(/^CapEff:\s0+$/m);
      expect(stdout).toMatch(/^CapBnd:\s0+$/m);
      expect(stdout).toMatch(/^NoNewPrivs:\s1$/m);
      expect(stdout.trim().split('\n').at(-1)).toBe('3');
    });

    it('gets secrets that no process list shows, whatever is in them', async () => {
      const secret = `it's "$HOME" \\ \`id\`\n\nhunter2-${Math.random()}`;
      let shown: readonly number[] = [];
      const { stdout } = await bench.host.runNetworked(
        bench.base,
        command('printf %s "$PGPASSWORD|$PLAIN"; echo up >&2; sleep 0.5', {
          secretEnv: { PGPASSWORD: secret },
          env: { PLAIN: 'plain' },
          onStderr: () => {
            shown = hostProcesses('hunter2-');
          },
        }),
        never(),
      );
      expect(stdout).toBe(`${secret}|plain`);
      expect(shown).toEqual([]);
    });

    it('reaches a socket in a directory that it is shown, and cannot write there', async () => {
      const local = createServer((socket) => socket.end('reached\n')).listen(`${directory}/s`);
      await new Promise((resolve) => local.once('listening', resolve));
      await chmod(`${directory}/s`, 0o777);
      const script = `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un("${directory}/s")) or die $!; print <S>'; touch ${directory}/x || echo refused`;
      const { stdout } = await bench.host.runNetworked(
        bench.base,
        command(script, { directories: [directory] }),
        never(),
      );
      local.close();
      expect(stdout).toBe('reached\nrefused\n');
    });

    it('streams its stdout, and its exit code is told', async () => {
      let bytes = 0;
      const stdout = new Writable({
        write(chunk, _encoding, done) {
          bytes += chunk.length;
          done();
        },
      });
      const result = await bench.host.runNetworked(
        bench.base,
        command('head -c 50000000 /dev/zero; exit 5', { stdout }),
        never(),
      );
      expect([result.exitCode, bytes]).toEqual([5, 50_000_000]);
    });

    it('is gone when it is aborted', async () => {
      const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
      const abort = new AbortController();
      const run = bench.host.runNetworked(
        bench.base,
        command(`(setsid sleep ${marker} &); echo up >&2; sleep ${marker}`, {
          onStderr: () => abort.abort(),
        }),
        abort.signal,
      );
      await expect(run).rejects.toMatchObject({ code: 'cancelled' });
      await eventually('its processes are gone', () => hostProcesses(marker).length === 0);
    });
  });
}
