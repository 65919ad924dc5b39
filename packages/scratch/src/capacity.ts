import { readFile, statfs } from 'node:fs/promises';
import { hostname, totalmem } from 'node:os';
import type { ScratchCapacity } from './scratch.js';
import { bootId } from './worker-identity.js';

/** What the host and Muster itself need: not promised to scratches. */
const OWN_BYTES = 512 * 1024 ** 2;

/** What this machine has for scratches without Docker, within the bounds of the control group this process is in. */
export async function localCapacity(directory: string): Promise<ScratchCapacity> {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return {
    hostId: bootId() ?? hostname(),
    hostName: hostname(),
    memoryBytes: Math.max(0, total - OWN_BYTES),
    ...(await freeHere(directory)),
  };
}

/** What a Docker daemon has; what is free there is known only where this process sees the same machine. */
export async function dockerCapacity(daemon: {
  readonly id: string;
  readonly name: string;
  readonly memoryBytes: number;
  readonly rootDir: string;
}): Promise<ScratchCapacity> {
  const here = daemon.name === hostname();
  return {
    hostId: daemon.id,
    hostName: daemon.name,
    memoryBytes: Math.max(0, daemon.memoryBytes - OWN_BYTES),
    ...(here ? await freeHere(daemon.rootDir) : {}),
  };
}

async function freeHere(
  directory: string,
): Promise<Pick<ScratchCapacity, 'memoryFreeBytes' | 'diskFreeBytes' | 'pids'>> {
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  const disk = await statfs(directory).catch(() => undefined);
  const most = await readFile('/proc/sys/kernel/pid_max', 'utf8').catch(() => '');
  return {
    ...(available !== undefined && { memoryFreeBytes: Number(available) * 1024 }),
    ...(disk !== undefined && { diskFreeBytes: disk.bavail * disk.bsize }),
    ...(most !== '' && { pids: Number(most) }),
  };
}
