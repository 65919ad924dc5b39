import { statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { type HeldLimits, MusterError, type ScratchLimits } from '@muster/core';
import type { CellDirectory } from '../cell-directory.js';
import type { KeptPlace } from '../kept-data.js';
import type { Ownership } from '../labels.js';
import { cancelled, pause, refuseIfAborted } from '../limit.js';
import { pinSocket } from '../pin-socket.js';
import type { Command, ExecResult, Loss, Scratch } from '../scratch.js';
import {
  type Bind,
  DATA_DIR,
  encodeOptions,
  FILTER_FD,
  OPTIONS_FD,
  type User,
  wrapOptions,
} from './cage-options.js';
import type { CellProcess } from './cell-process.js';
import type { ControlGroup } from './control-group.js';
import { diskUsage, watchDisk } from './disk-watch.js';
import type { KeptDirectory } from './kept-directory.js';
import { type Outer, outerCommand } from './outer-command.js';
import { runProcess } from './run-process.js';
import { syscallFilter } from './syscall-filter.js';

const MIB = 1024 * 1024;
const SIGKILLED = 137;
const FILTER = syscallFilter(process.arch);
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** What a cell must leave of a disk of this machine, or it is ended. */
const DISK_LEFT_BYTES = 64 * MIB;
/** Sockets and their lock files need next to nothing. */
const SOCKET_DIR_BYTES = 16 * MIB;

export interface CellRequest {
  readonly owner: Ownership;
  readonly user: User;
  readonly limits: ScratchLimits;
  readonly data: 'memory' | 'disk';
  /** Of data on disk that is to be kept. */
  readonly keep?: KeptPlace;
  readonly readOnly: readonly Bind[];
  readonly network: boolean;
  /** bubblewrap knows `--disable-userns`. */
  readonly forbidNamespaces: boolean;
}

export interface Cell {
  readonly socketDir: string;
  readonly expose: Scratch['expose'];
  readonly limits: HeldLimits;
  readonly lost: Promise<Loss>;
  readonly kept?: Pick<KeptDirectory, 'state' | 'spoil'>;
  exec(command: Command, signal: AbortSignal): Promise<ExecResult>;
  diagnose(): Promise<Loss | undefined>;
  destroy(): Promise<void>;
}

/** What a live cell consists of. */
export interface Parts {
  readonly request: CellRequest;
  readonly sockets: CellDirectory;
  /** Absent where the data is a tmpfs inside. */
  readonly data: string | undefined;
  readonly kept: KeptDirectory | undefined;
  readonly group: ControlGroup;
  readonly outer: Outer;
  readonly first: CellProcess;
  readonly made: AsyncDisposableStack;
}

export function liveCell(parts: Parts): Cell {
  const { request, first, group } = parts;
  const loss = Promise.withResolvers<Loss>();
  const gone = new AbortController();
  const running = new Set<Promise<unknown>>();
  let known: Loss | undefined;
  let destroyed: Promise<void> | undefined;

  const lose = (cause: Loss): void => {
    if (gone.signal.aborted) return;
    known = cause;
    // What is in it may be what ended it.
    parts.kept?.spoil();
    gone.abort(new MusterError(cause.reason, `the scratch ended in the middle: ${cause.detail}`));
    loss.resolve(cause);
    kill(first);
  };
  const kill = ({ pid, isAlive }: CellProcess): void => {
    try {
      if (isAlive()) process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  };
  const whyEnded = async (): Promise<Loss> =>
    (await group.outOfMemory())
      ? outOfMemory(request.limits)
      : { reason: 'scratch_lost', detail: 'its first process was killed from outside' };

  void first.ended.then(async () => lose(await whyEnded()));
  const expiry = setTimeout(
    () => lose({ reason: 'scratch_lost', detail: 'its time was up' }),
    Math.min(LONGEST_TIMER_MS, Math.max(0, request.owner.expiresAt.getTime() - Date.now())),
  ).unref();
  void watchDisk(
    [
      { path: parts.sockets.socketDir, limitBytes: SOCKET_DIR_BYTES },
      ...(parts.data === undefined
        ? []
        : [{ path: parts.data, limitBytes: request.limits.diskBytes, leaveBytes: DISK_LEFT_BYTES }]),
    ],
    gone.signal,
  ).then((over) => {
    if (over !== undefined) lose(diskFull(over.limitBytes));
  });

  const exec = async (command: Command, signal: AbortSignal): Promise<ExecResult> => {
    refuseIfAborted(signal, 'a process in the scratch');
    const argv = outerCommand(parts.outer, FILTER_FD, execCommand(first.pid, request, group, command.argv));
    const { user, forbidNamespaces } = request;
    const wrap = wrapOptions(user, command.env ?? {}, { forbidNamespaces, filter: FILTER !== undefined });
    const inputs = { options: encodeOptions(wrap), filter: FILTER };
    try {
      const result = await runProcess(argv, inputs, command, signal, gone.signal);
      // Killed by itself, or with the whole cell? The end of the cell is heard of a moment later.
      if (result.exitCode === SIGKILLED) await Promise.race([loss.promise, pause(200)]);
      gone.signal.throwIfAborted();
      return result;
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw cancelled('a process in the scratch');
      throw error;
    }
  };

  return {
    socketDir: parts.sockets.path,
    expose: ({ name }) => pinSocket(parts.sockets, name),
    limits: heldLimits(request, group),
    lost: loss.promise,
    ...(parts.kept && { kept: parts.kept }),
    exec(command, signal) {
      const run = exec(command, signal);
      const settled = run.catch(() => {}).finally(() => running.delete(settled));
      running.add(settled);
      return run;
    },
    async diagnose() {
      if (known !== undefined) return known;
      if (await group.outOfMemory()) return outOfMemory(request.limits);
      return (await isFull(parts)) ? diskFull(request.limits.diskBytes) : undefined;
    },
    destroy() {
      destroyed ??= (async () => {
        clearTimeout(expiry);
        gone.abort(new MusterError('scratch_lost', 'The scratch was destroyed'));
        await Promise.allSettled([...running, parts.made.disposeAsync()]);
      })();
      return destroyed;
    },
  };
}

/**
 * Each process enters the namespaces of the cell from outside and is wrapped once more (see `wrapOptions`).
 *
 * One bubblewrap per cell, not one per process: so a tmpfs of bounded size can be the data directory and vanishes with
 * the cell, daemons outlive the process that made them as in a container, all share `/tmp` and `/dev/shm`, and one
 * RLIMIT_NPROC, set inside the cell's user namespace, bounds the processes of this cell alone (Linux 5.14).
 */
function execCommand(
  pid: number,
  { limits, network }: CellRequest,
  group: ControlGroup,
  argv: readonly string[],
): readonly string[] {
  return [
    ...['nsenter', '--target', `${pid}`, '--user', '--preserve-credentials'],
    ...['--mount', '--pid', '--ipc', '--uts', '--cgroup', ...(network ? [] : ['--net']), '--'],
    ...['prlimit', '--core=0', `--nproc=${limits.pids}`],
    // Where nothing holds the memory of all, at least no single process may have more than all of it.
    ...(group.held.memory_bytes === undefined ? [`--data=${limits.memoryBytes}`] : []),
    '--',
    // The shell gives the exit codes that shells give: 127 for what is not there.
    ...['bwrap', '--args', `${OPTIONS_FD}`, '--', '/bin/sh', '-c', 'exec "$@"', 'sh', ...argv],
  ];
}

const outOfMemory = ({ memoryBytes }: ScratchLimits): Loss => ({
  reason: 'scratch_out_of_memory',
  detail: `a process wanted more than the ${Math.round(memoryBytes / MIB)} MiB of memory there are`,
});

const diskFull = (bytes: number): Loss => ({
  reason: 'scratch_disk_full',
  detail: `a directory is over its ${Math.round(bytes / MIB)} MiB, or its disk is full`,
});

function heldLimits({ data, limits }: CellRequest, group: ControlGroup): HeldLimits {
  return {
    ...(data === 'memory' ? { disk_bytes: limits.diskBytes } : {}),
    ...(countsProcessesPerNamespace(release()) ? { pids: limits.pids } : {}),
    ...group.held,
  };
}

/** Since Linux 5.14 RLIMIT_NPROC counts per user namespace; before, all processes of the same user on the machine. */
export function countsProcessesPerNamespace(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 14);
}

/** True if the server could not have written what servers write at once (a WAL segment is 16 MiB). */
async function isFull({ data, request, first }: Parts): Promise<boolean> {
  if (data !== undefined && (await diskUsage(data)) > request.limits.diskBytes) return true;
  const stat = await statfs(data ?? `/proc/${first.pid}/root${DATA_DIR}`).catch(() => undefined);
  return stat !== undefined && stat.bavail * stat.bsize < Math.min(32 * MIB, request.limits.diskBytes / 10);
}
