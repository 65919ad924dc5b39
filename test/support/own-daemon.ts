import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually } from './eventually.js';
import { hostProcesses } from './host-processes.js';

/** A Docker daemon of the test's own, to be stopped in the middle of things. Needs root and dockerd. */
export interface OwnDaemon {
  readonly host: string;
  importImage(tar: Buffer, tag: string): void;
  /** Resolves when it is gone. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Stops it and removes all that it had, also what it could not take along. */
  close(): Promise<void>;
}

export async function startDaemon(): Promise<OwnDaemon> {
  const root = mkdtempSync('/tmp/mst-dockerd-');
  const host = `unix://${root}/d.sock`;
  const places = ['--data-root', `${root}/data`, '--exec-root', `${root}/x`, '--pidfile', `${root}/pid`];
  const options = ['--host', host, ...places, '--bridge', 'none', '--iptables=false'];
  const child = spawn('dockerd', options, { stdio: 'ignore' });
  await eventually('the daemon answers', () => answers(`${root}/d.sock`), 60_000);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  };
  return {
    host,
    importImage: (input, tag) => {
      execFileSync('docker', ['--host', host, 'import', '-c', 'ENV PATH=/bin', '-', tag], {
        input,
        stdio: ['pipe', 'ignore', 'inherit'],
      });
    },
    stop,
    close: async () => {
      await stop('SIGTERM');
      const left = (): readonly number[] => hostProcesses(root);
      for (const pid of left()) process.kill(pid, 'SIGKILL');
      await eventually('its containerd is gone', () => left().length === 0);
      for (const path of mountsBelow(root).toReversed()) execFileSync('umount', [path]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const mountsBelow = (root: string): readonly string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${root}/`));

const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const client = connect(socket, () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });
