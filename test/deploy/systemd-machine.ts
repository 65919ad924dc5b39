import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Ended, ending } from '../support/ending.ts';
import { eventually } from '../support/eventually.ts';
import { findProgram } from '../support/find-program.ts';
import { requirement } from '../support/requirement.ts';

/** A machine with the files of this one, where a systemd of its own is process 1; what is written there is forgotten. */
export interface SystemdMachine {
  run(command: string, ...args: readonly string[]): Promise<Ended>;
  /** stdout of a shell script. @throws where it fails. */
  sh(script: string): Promise<string>;
  /** Kills everything in it. */
  close(): Promise<void>;
}

export const canBootSystemd = (): boolean =>
  requirement(
    'systemd',
    process.getuid?.() === 0 &&
      existsSync('/usr/lib/systemd/systemd') &&
      findProgram('nsenter') !== undefined &&
      readFileSync('/proc/filesystems', 'utf8').includes('\toverlay'),
    'needs root, overlayfs, and the packages systemd and util-linux',
  );

/** @param shares of this machine, as `FROM:TO`; all else is a copy. */
export async function bootSystemd(shares: readonly string[]): Promise<SystemdMachine> {
  const root = await mkdtemp(join(tmpdir(), 'mst-systemd-'));
  const group = basename(root);
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--net', '--ipc', '--uts'];
  const script = join(import.meta.dirname, 'boot-systemd.sh');
  const child = spawn('unshare', [...namespaces, 'sh', script, root, group, ...shares], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const run: SystemdMachine['run'] = async (command, ...args) => {
    const inside = ['--target', firstProcess(child.pid), '--all', '--', command, ...args];
    return await ending(spawn('nsenter', inside, { stdio: ['ignore', 'pipe', 'pipe'] }));
  };
  const close = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await ended;
    await eventually('its processes are gone', () => removeGroups(group));
    await rm(root, { recursive: true });
  };
  try {
    await eventually('systemd is up', async () => {
      if (child.exitCode !== null) throw new Error(`unshare ended with ${child.exitCode}`);
      // Until then, `systemctl` would ask that of this machine.
      if (!isSystemd(firstProcess(child.pid))) return false;
      return (await run('systemctl', 'is-system-running')).stdout === 'running\n';
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run,
    sh: async (text) => {
      const { exitCode, stdout, stderr } = await run('sh', '-euc', text);
      if (exitCode !== 0) throw new Error(`it ended with ${exitCode}:\n${text}\n${stdout}${stderr}`);
      return stdout;
    },
    close,
  };
}

/** Of the namespaces that `unshare` made: its child. */
function firstProcess(unshare: number | undefined): string {
  return readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim() || 'self';
}

const isSystemd = (pid: string): boolean => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'systemd\n';

/** False while there are processes in them. */
function removeGroups(group: string): boolean {
  const script = `mount -t cgroup2 cgroup2 /mnt && cd /mnt && [ ! -d ${group} ] || find ${group} -depth -type d -exec rmdir {} +`;
  try {
    execFileSync('unshare', ['--mount', 'sh', '-c', script], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
