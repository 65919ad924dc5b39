import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Scratch } from '@muster/scratch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, createBench, type MakeHost, type Subject, sh } from './subject.js';

/** Where a file may be shown, though there is no such directory, and what holds it is read-only. */
const DEEP = ['/usr/share/muster-shown/deep/secret', '/var/lib/muster-shown/secret', '/tmp/shown'];

/** A process that tries to get out of its cell: needs bash and perl inside, as any Debian has. */
export function cageContract(name: string, makeHost: MakeHost, subject: Subject): void {
  describe(`${name}: a hostile process in a cell`, () => {
    const marker = `98765.${Math.floor(Math.random() * 1e9)}`;
    let bench: Bench;
    let scratch: Scratch;
    let listener: Server;
    let abstractListener: Server;
    let neighbour: ChildProcess;
    let hostDir: string;

    beforeAll(async () => {
      bench = await createBench(makeHost, subject);
      hostDir = await mkdtemp('/tmp/mst-host-');
      await chmod(hostDir, 0o755);
      await writeFile(`${hostDir}/secret`, 'hunter2');
      await copyFile('/usr/bin/id', `${hostDir}/setuid-id`);
      await chmod(`${hostDir}/setuid-id`, 0o4755);
      listener = createServer((socket) => socket.end('reached')).listen(0, '0.0.0.0');
      abstractListener = createServer((socket) => socket.end('reached')).listen(`\0${marker}`);
      await new Promise((resolve) => listener.once('listening', resolve));
      neighbour = spawn('sleep', [marker]);
      scratch = await bench.launch({
        mounts: [
          { hostPath: hostDir, path: '/mnt/shown' },
          ...DEEP.map((path) => ({ hostPath: `${hostDir}/secret`, path })),
        ],
      });
    });
    afterAll(async () => {
      await scratch?.destroy();
      await bench?.close();
      neighbour?.kill();
      listener?.close();
      abstractListener?.close();
      await rm(hostDir, { recursive: true, force: true });
    });

    const port = (): number => {
      const address = listener.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    };

    it('runs as the user it was given, with no capability and no way to a new privilege', async () => {
      const { stdout } = await sh(scratch, 'echo "$(id -u):$(id -g) $(id -G)"; cat /proc/self/status');
      expect(stdout.split('\n')[0]).toBe(`${subject.user} ${subject.user.split(':')[1]}`);
      expect(stdout).toMatch(/^CapInh:\s0+$/m);
      expect(stdout).toMatch(/^CapPrm:\s0+$/m);
      expect(stdout).toMatch(/^CapEff:\s0+$/m);
      expect(stdout).toMatch(/^CapBnd:\s0+$/m);
      expect(stdout).toMatch(/^CapAmb:\s0+$/m);
      expect(stdout).toMatch(/^NoNewPrivs:\s1$/m);
    });

    it('has no network interface but its own loopback', async () => {
      const { stdout } = await sh(scratch, "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev");
      const up = stdout
        .split('\n')
        .filter((line) => line !== '' && !/^(tunl|sit|ip6|gre|erspan|ip_vti)/.test(line));
      expect(up).toEqual(['lo']);
    });

    it('reaches no TCP port of this machine or of any other', async () => {
      const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      const addresses = [
        '127.0.0.1',
        ...own.filter((one) => one.family === 'IPv4').map((one) => one.address),
      ];
      for (const target of [
        ...addresses.map((address) => `${address}/${port()}`),
        '1.1.1.1/53',
        '10.0.0.1/80',
      ]) {
        const result = await scratch.exec(
          { argv: ['timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${target} && cat <&3`] },
          new AbortController().signal,
        );
        expect({ target, ...result }).toMatchObject({ target, exitCode: 1, stdout: '' });
      }
    });

    it('resolves no name', async () => {
      expect((await sh(scratch, 'timeout 10 getent hosts example.com')).exitCode).not.toBe(0);
    });

    it('reaches no abstract unix socket of this machine', async () => {
      const { stdout } = await sh(
        scratch,
        `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack_sockaddr_un("\\0${marker}")) ? "reached" : "refused"'`,
      );
      expect(stdout).toBe('refused');
    });

    it.each([
      'mount -t tmpfs none /tmp',
      'mount -o remount,rw /',
      'unshare -Urm mount -t tmpfs none /tmp',
      'mknod /tmp/disk b 8 0',
      'chroot / true',
      'echo x > /proc/sys/kernel/hostname',
      'echo x > /proc/sysrq-trigger',
      'head -c 1 /proc/kcore',
      'head -c 1 /dev/mem',
      'head -c 1 /dev/kmsg',
    ])('cannot %s', async (script) => {
      expect((await sh(scratch, script)).exitCode).not.toBe(0);
    });

    it.each(['/', '/bin', '/etc', '/usr', '/var', '/dev', '/sys', '/home', '/mnt/shown', '/root'])(
      'cannot write into %s',
      async (directory) => {
        expect((await sh(scratch, `touch ${directory}/muster-was-here`)).exitCode).not.toBe(0);
      },
    );

    it('gains nothing from a program with the set-user-ID bit', async () => {
      if (!scratch.mounts) return;
      expect((await sh(scratch, '/mnt/shown/setuid-id -u')).stdout.trim()).toBe(subject.user.split(':')[0]);
    });

    it('sees no device but the harmless ones', async () => {
      const { stdout } = await sh(scratch, 'find /dev \\( -type b -o -type c \\) 2>/dev/null | sort');
      const harmless = /^\/dev\/(console|full|null|ptmx|pts\/ptmx|random|tty|urandom|zero)$/;
      expect(stdout.split('\n').filter((path) => path !== '' && !harmless.test(path))).toEqual([]);
    });

    it('sees no process of this machine', async () => {
      const { stdout } = await sh(scratch, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
      expect(stdout).not.toContain(marker);
      expect((await sh(scratch, 'ls -d /proc/[0-9]* | wc -l')).stdout.trim()).toMatch(/^1?\d$/);
    });

    it('sees no file of this machine that it was not shown', async () => {
      for (const path of [`${hostDir}/secret`, `/proc/1/root${hostDir}/secret`, import.meta.filename]) {
        expect((await sh(scratch, `cat ${path}`)).exitCode).not.toBe(0);
      }
    });

    it('reads what it was shown', async () => {
      if (!scratch.mounts) return;
      expect((await sh(scratch, 'cat /mnt/shown/secret')).stdout).toBe('hunter2');
    });

    it.each(DEEP)('reads a file that it was shown at %s, and cannot change it', async (path) => {
      if (!scratch.mounts) return;
      expect((await sh(scratch, `cat ${path}`)).stdout).toBe('hunter2');
      const tries = [
        `echo x > ${path}`,
        `rm ${path}`,
        `mv ${path} ${path}x`,
        `chmod 777 ${path}`,
        `: >> ${path}`,
      ];
      for (const script of tries) expect((await sh(scratch, script)).exitCode, script).not.toBe(0);
      expect((await sh(scratch, `cat ${path}`)).stdout).toBe('hunter2');
    });

    it('sees beside such a file what was there, and makes nothing there', async () => {
      if (!scratch.mounts) return;
      const { stdout } = await sh(scratch, 'ls /usr/share/common-licenses/GPL-3 /usr/share/zoneinfo/UTC');
      expect(stdout.split('\n')).toHaveLength(3);
      for (const directory of ['/usr/share', '/usr/share/muster-shown'])
        expect((await sh(scratch, `touch ${directory}/x`)).exitCode).not.toBe(0);
      expect(existsSync('/usr/share/muster-shown')).toBe(false);
    });

    it('sees nothing of another cell', async () => {
      await bench.within(async (other) => {
        const files = ['/tmp', '/dev/shm', other.dataDir, other.innerSocketDir].map(
          (at) => `${at}/${marker}`,
        );
        let running: Promise<unknown> = Promise.resolve();
        await new Promise<void>((resolve, reject) => {
          const script = `touch ${files.join(' ')} && echo up >&2 && exec sleep ${marker}1`;
          running = sh(other, script, { onStderr: () => resolve() }).catch(reject);
        });
        const { stdout } = await sh(
          scratch,
          'cat /proc/[0-9]*/cmdline | tr "\\0" " "; ls -d $FILES 2>/dev/null; echo end',
          // Not in the script, which is in a command line itself.
          { env: { FILES: files.join(' ') } },
        );
        expect(stdout).not.toContain(marker);
        expect(stdout).toContain('end');
        await other.destroy();
        await running;
      });
    });

    it('cannot stop the process that ends the cell', async () => {
      await sh(scratch, 'kill -9 -1; kill -9 1; kill -STOP 1');
      expect((await sh(scratch, 'echo alive')).stdout).toBe('alive\n');
      const { stdout } = await sh(scratch, 'readlink /proc/1/fd/*; cat /proc/1/environ; : > /proc/1/fd/0');
      expect(stdout).toBe('');
    });
  });
}
