import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf } from '@muster/core';

/**
 * Which process made something, so that another process can later prove that it is dead.
 *
 * `kernel` (boot id and PID namespace) says where `pid` has a meaning: only a process in the same PID namespace of the
 * same boot can prove anything about it. `startTime` tells a process from a later one with the same number.
 */
export interface WorkerIdentity {
  readonly host: string;
  readonly kernel: string;
  readonly pid: number;
  /** Clock ticks after boot (field 22 of `/proc/<pid>/stat`); `0` where there is no `/proc`. */
  readonly startTime: string;
}

/** This process. */
export function thisWorker(): WorkerIdentity {
  return {
    host: hostname().replaceAll(/[^\w.-]/g, '-') || 'localhost',
    kernel: thisKernel(),
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '0',
  };
}

/** One label value: `<host>/<kernel>/<pid>/<start time>`. */
export const formatWorker = (worker: WorkerIdentity): string =>
  `${worker.host}/${worker.kernel}/${worker.pid}/${worker.startTime}`;

/** The inverse of {@link formatWorker}; undefined for anything else. */
export function parseWorker(text: string): WorkerIdentity | undefined {
  const match = /^([\w.-]+)\/([\w.:-]+)\/([1-9]\d*)\/(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [, host = '', kernel = '', pid = '', startTime = ''] = match;
  return { host, kernel, pid: Number(pid), startTime };
}

/** True only if the process was on this machine, in this PID namespace, and is certainly gone. */
export function isProvenDead(worker: WorkerIdentity): boolean {
  const kernel = thisKernel();
  if (kernel === UNKNOWN_KERNEL || worker.kernel !== kernel || worker.startTime === '0') return false;
  return startTimeOf(worker.pid) !== worker.startTime && !isHidden(worker.pid);
}

/**
 * Of what {@link formatWorker} wrote. `unknown`: it is no process of this machine, in this PID namespace, or nothing that
 * can be read.
 */
export function livenessOf(text: string): 'alive' | 'dead' | 'unknown' {
  const worker = parseWorker(text);
  const kernel = thisKernel();
  if (worker === undefined || kernel === UNKNOWN_KERNEL || worker.kernel !== kernel) return 'unknown';
  return isProvenDead(worker) ? 'dead' : worker.startTime === '0' ? 'unknown' : 'alive';
}

/** Somebody else's process, which /proc does not show to us (`hidepid`, systemd's `ProtectProc`). */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'EPERM' && !existsSync(`/proc/${pid}`);
  }
}

/** Names the running kernel: two processes that see the same id can share unix sockets through a directory. */
export function bootId(): string | undefined {
  return attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

const UNKNOWN_KERNEL = 'unknown';

function thisKernel(): string {
  const boot = bootId();
  const namespace = attempt(() => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]);
  return boot === undefined || namespace === undefined ? UNKNOWN_KERNEL : `${boot}:${namespace}`;
}

/** Undefined where there is no such process; a zombie counts as gone. */
function startTimeOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The second field is the command in parentheses, which may itself hold spaces and parentheses.
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined || state === 'Z' || state === 'X' ? undefined : fields[18];
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
