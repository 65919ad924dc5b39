import { execFile } from 'node:child_process';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { HeldLimits, ScratchLimits } from '@muster/core';

/** What control groups hold for one cell; without any, everything is empty and nothing is held. */
export interface ControlGroup {
  /** A process that writes itself into these is held. */
  readonly procs: readonly string[];
  readonly held: Pick<HeldLimits, 'cpus' | 'memory_bytes' | 'pids'>;
  /** True once the kernel has killed a process of the cell for its memory. */
  outOfMemory(): Promise<boolean>;
  /** Idempotent; call when no process is left inside. */
  remove(): Promise<void>;
}

/** A directory to make, files to write into it, and what then holds. */
export interface Group {
  readonly parent: string;
  readonly settings: readonly (readonly [file: string, value: string])[];
  readonly held: ControlGroup['held'];
  /** The file that counts the kernel's kills, where memory is held. */
  readonly events?: string;
}

const PERIOD_US = 100_000;

/**
 * Makes the control groups of a cell where this process may: beneath or beside its own, version 1 or 2, with the
 * controllers that are switched on there already. Makes no change to a group that is not its own. What could not be
 * made is not held.
 */
export async function createControlGroup(name: string, limits: ScratchLimits): Promise<ControlGroup> {
  const made: { path: string; group: Group }[] = [];
  for (const alternatives of await planGroups(limits, await ownGroups())) {
    for (const group of alternatives) {
      const path = join(group.parent, name);
      if (!(await make(path, group))) continue;
      made.push({ path, group });
      break;
    }
  }
  return {
    procs: made.map(({ path }) => join(path, 'cgroup.procs')),
    held: Object.assign({}, ...made.map(({ group }) => group.held)),
    async outOfMemory() {
      for (const { path, group } of made) {
        if (group.events === undefined) continue;
        const text = await readFile(join(path, group.events), 'utf8').catch(() => '');
        if (/^oom_kill [1-9]/m.test(text)) return true;
      }
      return false;
    },
    async remove() {
      for (const { path } of made) await removeGroup(path);
    },
  };
}

/** Removes what a dead worker left of a cell of this name. */
export async function sweepControlGroup(name: string): Promise<void> {
  const nothing = { cpus: 1, memoryBytes: 0, diskBytes: 0, pids: 0 };
  for (const group of (await planGroups(nothing, await ownGroups())).flat())
    await removeGroup(join(group.parent, name));
}

const ownGroups = (): Promise<string> => readFile('/proc/self/cgroup', 'utf8').catch(() => '');

/**
 * Per kind of limit, the places where it could be held, best first.
 * @param ownText what `/proc/self/cgroup` says
 */
export async function planGroups(
  limits: ScratchLimits,
  ownText: string,
  root = '/sys/fs/cgroup',
): Promise<readonly (readonly Group[])[]> {
  const own = parseOwnGroups(ownText);
  const unified = own.get('');
  const controllers = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  if (controllers !== undefined && unified !== undefined) {
    const parents = [...new Set([unified, dirname(unified)])].map((path) => join(root, path));
    return [await Promise.all(parents.map((parent) => unifiedGroup(parent, limits)))];
  }
  return ['memory', 'pids', 'cpu'].flatMap((controller) => {
    const path = own.get(controller);
    return path === undefined ? [] : [[legacyGroup(controller, join(root, controller, path), limits)]];
  });
}

/** Version 2: https://docs.kernel.org/admin-guide/cgroup-v2.html */
async function unifiedGroup(parent: string, limits: ScratchLimits): Promise<Group> {
  const enabled = (await readFile(join(parent, 'cgroup.subtree_control'), 'utf8').catch(() => '')).split(
    /\s+/,
  );
  const cpus = Math.min(limits.cpus, availableParallelism());
  const memory = enabled.includes('memory');
  const pids = enabled.includes('pids');
  const cpu = enabled.includes('cpu');
  return {
    parent,
    settings: [
      ...(memory
        ? ([
            ['memory.max', `${limits.memoryBytes}`],
            ['memory.swap.max', '0'],
          ] as const)
        : []),
      ...(pids ? ([['pids.max', `${limits.pids}`]] as const) : []),
      ...(cpu ? ([['cpu.max', `${Math.round(cpus * PERIOD_US)} ${PERIOD_US}`]] as const) : []),
    ],
    held: {
      ...(memory ? { memory_bytes: limits.memoryBytes } : {}),
      ...(pids ? { pids: limits.pids } : {}),
      ...(cpu ? { cpus } : {}),
    },
    ...(memory ? { events: 'memory.events' } : {}),
  };
}

/** Version 1: https://docs.kernel.org/admin-guide/cgroup-v1/ */
function legacyGroup(controller: string, parent: string, limits: ScratchLimits): Group {
  const cpus = Math.min(limits.cpus, availableParallelism());
  switch (controller) {
    case 'memory':
      return {
        parent,
        settings: [
          ['memory.limit_in_bytes', `${limits.memoryBytes}`],
          ['memory.memsw.limit_in_bytes', `${limits.memoryBytes}`],
        ],
        held: { memory_bytes: limits.memoryBytes },
        events: 'memory.oom_control',
      };
    case 'pids':
      return { parent, settings: [['pids.max', `${limits.pids}`]], held: { pids: limits.pids } };
    default:
      return {
        parent,
        settings: [
          ['cpu.cfs_period_us', `${PERIOD_US}`],
          ['cpu.cfs_quota_us', `${Math.round(cpus * PERIOD_US)}`],
        ],
        held: { cpus },
      };
  }
}

async function make(path: string, group: Group): Promise<boolean> {
  if (group.settings.length === 0) return false;
  try {
    await mkdir(path);
  } catch {
    return false;
  }
  try {
    for (const [file, value] of group.settings) {
      await writeFile(join(path, file), value, { flag: 'r+' }).catch(async (error: NodeJS.ErrnoException) => {
        // A kernel that does not count swap has no file for it, and then holds memory only where there is no swap.
        if (error.code !== 'ENOENT' || !/swap|memsw/.test(file) || (await hasSwap())) throw error;
      });
    }
    // Making a group is one right, moving a process into it another.
    await promisify(execFile)('/bin/sh', ['-c', 'echo $$ > "$1"', 'sh', join(path, 'cgroup.procs')]);
    return true;
  } catch {
    await removeGroup(path);
    return false;
  }
}

async function hasSwap(): Promise<boolean> {
  const text = await readFile('/proc/swaps', 'utf8').catch(() => '');
  return text.trim().split('\n').length > 1;
}

/** The last processes leave a group a moment after they are gone from everywhere else. */
async function removeGroup(path: string, tries = 40): Promise<void> {
  for (let left = tries; left > 0; left--) {
    try {
      return await rmdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return;
      await sleep(25);
    }
  }
}

/** Lines of `/proc/self/cgroup`: `4:memory:/path`, `0::/path`. Controller (or '' for version 2) to path. */
export function parseOwnGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, names, ...path] = line.split(':');
    if (names === undefined || path.length === 0) continue;
    for (const name of names.split(',')) groups.set(name, path.join(':'));
  }
  return groups;
}
