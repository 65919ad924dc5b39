import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** stdout of the docker command: the tests' own way to the daemon, beside the one that they test. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
}

/** Lines of stdout, without empty ones. */
export const dockerLines = async (...args: readonly string[]): Promise<readonly string[]> =>
  (await docker(...args)).split('\n').filter((line) => line !== '');

/** The volumes that are kept under a key with this text in it. */
export async function keptVolumes(text: string): Promise<readonly string[]> {
  const format = '{{.Name}} {{.Label "muster.kept"}}';
  const volumes = await dockerLines('volume', 'ls', '--filter', 'label=muster.kept', '--format', format);
  return volumes.filter((line) => line.includes(text)).map((line) => line.split(' ')[0] ?? '');
}

export async function removeKeptVolumes(text: string): Promise<void> {
  const names = await keptVolumes(text);
  if (names.length > 0) await docker('volume', 'rm', ...names);
}

export interface DockerEvents {
  /** Resolves once an event with this text came, also if it came already. */
  heard(text: string, limitMs?: number): Promise<void>;
  stop(): void;
}

/** Listens to the daemon's events from now on. */
export async function listenToDocker(...filters: readonly string[]): Promise<DockerEvents> {
  const since = await docker('info', '--format', '{{.SystemTime}}');
  const args = ['events', '--since', since, ...filters.flatMap((filter) => ['--filter', filter])];
  const child: ChildProcess = spawn('docker', [...args, '--format', '{{.Type}} {{.Action}} {{.Actor.ID}}'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let changed = (): void => {};
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      changed();
    });
  }
  return {
    heard: (text, limitMs = 10_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`Docker did not say: ${text}\n${lines.join('\n')}`)),
          limitMs,
        );
        changed = () => {
          if (!lines.some((line) => line.includes(text))) return;
          clearTimeout(timer);
          resolve();
        };
        changed();
      }),
    stop: () => child.kill(),
  };
}
