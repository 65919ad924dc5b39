import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { ending } from './ending.ts';
import { eventually } from './eventually.js';
import { findProgram } from './find-program.js';
import { hostProcesses } from './host-processes.js';
import { requirement } from './requirement.js';

/** A Docker daemon of the test's own, to be stopped in the middle of things. Needs root and dockerd. */
export interface OwnDaemon {
  readonly host: string;
  importImage(tar: Buffer, tag: string): void;
  /** Starts it again after {@link stop}; resolves when it answers. */
  start(): Promise<void>;
  /** Resolves when it is gone. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Stops it and removes all that it had, also what it could not take along. */
  close(): Promise<void>;
}

export const canRunOwnDaemon = (): boolean =>
  requirement(
    'own-dockerd',
    process.getuid?.() === 0 && findProgram('dockerd') !== undefined,
    'needs root and dockerd',
  );

export async function startDaemon(): Promise<OwnDaemon> {
  const root = mkdtempSync('/tmp/mst-dockerd-');
  const host = `unix://${root}/d.sock`;
  // As distributions run it, containerd is a service of its own: it stays when dockerd stops.
  const containerd = `${root}/c.sock`;
  spawn('containerd', ['--address', containerd, '--root', `${root}/c`, '--state', `${root}/cs`], {
    stdio: 'ignore',
  });
  await eventually('containerd answers', () => connects(containerd), 60_000);
  const places = ['--data-root', `${root}/data`, '--exec-root', `${root}/x`, '--pidfile', `${root}/pid`];
  const options = [
    '--host',
    host,
    '--containerd',
    containerd,
    ...places,
    '--bridge',
    'none',
    '--iptables=false',
  ];
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn('dockerd', options, { stdio: 'ignore' });
    await eventually('the daemon answers', () => answers(host), 60_000);
  };
  await start();
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
    start,
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

const connects = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const client = connect(socket, () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });

const answers = async (host: string): Promise<boolean> =>
  (await ending(spawn('docker', ['--host', host, 'version'], { stdio: ['ignore', 'pipe', 'pipe'] })))
    .exitCode === 0;
