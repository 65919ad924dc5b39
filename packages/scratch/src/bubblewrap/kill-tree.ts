import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that forks faster than this many rounds of killing ends with its cell. */
const ROUNDS = 20;

/** SIGKILL to a process and all that has not left its process group. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || isReaped(child)) return;
  kill(-child.pid);
}

/**
 * SIGKILL to all that runs because of one `exec`, what has left its session and its parents included: it cannot leave
 * the user namespace that was made for that `exec` alone.
 */
export function killTree(child: ChildProcess): void {
  const helper = child.pid;
  if (helper === undefined || isReaped(child)) return;
  const [wrapper] = childrenOf(helper);
  if (wrapper === undefined) {
    killGroup(child);
    return;
  }
  const namespace = namespaceBelow(wrapper);
  const belongs = (pid: number): boolean =>
    stat(pid)?.group === helper || (namespace !== undefined && userNamespace(pid) === namespace);
  for (let round = 0; round < ROUNDS; round++) {
    // All but the helper itself: it is to reap the wrapper and ends then. Otherwise that would be left to the init of
    // this machine, and a cell cannot end before all its processes are reaped.
    const left = processes().filter((pid) => pid !== helper && belongs(pid) && !isDying(pid));
    if (left.length === 0) return;
    for (const pid of left) kill(pid);
  }
}

/** The namespace of the wrapped process; undefined while nothing of the caller's runs yet. */
function namespaceBelow(wrapper: number): string | undefined {
  const [wrapped] = childrenOf(wrapper);
  const namespace = wrapped === undefined ? undefined : userNamespace(wrapped);
  return namespace === userNamespace(wrapper) ? undefined : namespace;
}

const childrenOf = (parent: number): readonly number[] =>
  processes().filter((pid) => stat(pid)?.parent === parent);

/** Killed already, but not yet gone. */
const isDying = (pid: number): boolean => /^[ZX]$/.test(stat(pid)?.state ?? 'X');

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

function stat(pid: number): Stat | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [state, parent, group] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined ? undefined : { state, parent: Number(parent), group: Number(group) };
}

const userNamespace = (pid: number): string | undefined =>
  attempt(() => readlinkSync(`/proc/${pid}/ns/user`));

const processes = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Once reaped its number may be another's. */
const isReaped = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const kill = (pid: number): void => void attempt(() => process.kill(pid, 'SIGKILL'));

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
