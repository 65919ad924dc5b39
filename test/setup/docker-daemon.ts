import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A Docker daemon that answers. */
export interface Daemon {
  readonly host: string;
  /** Stops it if the tests started it. */
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const POLL_MS = 100;

/** Downloads and images of the tests, kept between runs. */
export const cacheDirectory = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'muster-test');

/** The daemon there is; else one of our own on a private socket, without a network; else none. */
export async function ensureDocker(): Promise<Daemon | undefined> {
  const given = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  if (answers(given)) return { host: given, stop: async () => {} };
  if (process.getuid?.() !== 0 || spawnSync('which', ['dockerd']).status !== 0) {
    console.log('• Docker: no daemon answers and none can be started here (that needs root and dockerd)');
    return undefined;
  }
  return await startDaemon();
}

async function startDaemon(): Promise<Daemon | undefined> {
  const runtime = '/run/muster-test';
  const host = `unix://${runtime}/docker.sock`;
  if (answers(host)) return { host, stop: async () => {} };
  mkdirSync(runtime, { recursive: true });
  // Left by a daemon that was killed, whose process id may be somebody else's now.
  for (const name of ['docker.pid', 'docker.sock']) rmSync(join(runtime, name), { force: true });
  mkdirSync(cacheDirectory, { recursive: true });
  const log = openSync(join(cacheDirectory, 'dockerd.log'), 'w');
  const state = [
    '--data-root',
    join(cacheDirectory, 'docker'),
    '--exec-root',
    `${runtime}/exec`,
    '--pidfile',
    `${runtime}/docker.pid`,
  ];
  const args = ['--host', host, ...state, '--bridge', 'none', '--iptables=false'];
  console.log(`• Docker: no daemon answers, starting one for the tests on ${host}`);
  const daemon = spawn('dockerd', args, { stdio: ['ignore', log, log] });
  const ended = new Promise<void>((resolve) => {
    daemon.on('exit', () => resolve());
    daemon.on('error', () => resolve());
  });
  for (
    const end = Date.now() + READY_MS;
    Date.now() < end && daemon.exitCode === null;
    await delay(POLL_MS)
  ) {
    if (answers(host)) return { host, stop: () => stop(daemon, ended) };
  }
  await stop(daemon, ended);
  console.log(`• Docker: the daemon did not start, see ${join(cacheDirectory, 'dockerd.log')}`);
  return undefined;
}

async function stop(daemon: ChildProcess, ended: Promise<void>): Promise<void> {
  daemon.kill('SIGTERM');
  await ended;
}

function answers(host: string): boolean {
  const env = { ...process.env, DOCKER_HOST: host };
  return (
    spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { env, timeout: 5_000 }).status === 0
  );
}
