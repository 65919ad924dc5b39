import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { MusterError, type ScratchLimits } from '@muster/core';
import { localCapacity } from '../capacity.js';
import { sweepCellDirectories } from '../cell-directory.js';
import { keptPlace } from '../kept-data.js';
import { isAbandoned, madeFor, type Wanted } from '../labels.js';
import { refuseIfAborted } from '../limit.js';
import type { HostOptions, KeptState, LaunchSpec, Scratch, ScratchHost } from '../scratch.js';
import { settleKept } from '../settle-kept.js';
import { thisWorker } from '../worker-identity.js';
import { DATA_DIR, SOCKET_DIR, type User } from './cage-options.js';
import { controlGroupName, launchCell } from './cell.js';
import { sweepControlGroup } from './control-group.js';
import { sweepDataDirectories } from './data-directory.js';
import { endCells } from './end-cells.js';
import { listKept, sweepKept } from './kept-directory.js';
import type { Cell, CellRequest } from './live-cell.js';
import { bubblewrapOptions, missingTools } from './tools.js';

const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
/** Named `postgres` inside, as in the images. */
const PROBE_USER: User = { uid: 999, gid: 999 };
/** What a probe or a dump tool may use: both keep next to nothing. */
const TOOL_LIMITS: ScratchLimits = {
  cpus: availableParallelism(),
  memoryBytes: 2 * GIB,
  diskBytes: GIB / 16,
  pids: 256,
};

/**
 * The host's own server binaries in the same cage as Docker's, without Docker: as an ordinary user by user namespaces,
 * as root by giving up root first. {@link Base} names no image; the host's files have no digest, so
 * {@link ScratchHost.prepare} asks each time and remembers nothing.
 */
export function createBubblewrapHost(options: HostOptions): ScratchHost {
  const asRoot = process.getuid?.() === 0;
  let knownOptions: Promise<ReadonlySet<string>> | undefined;

  const launch = async (
    request: Omit<CellRequest, 'forbidNamespaces' | 'owner'>,
    drill: string,
    expiresAt: Date,
    signal: AbortSignal,
  ): Promise<Cell> => {
    refuseIfAborted(signal, 'the launch of the scratch');
    const missing = missingTools(asRoot);
    if (missing.length > 0) {
      throw new MusterError(
        'isolation_unavailable',
        `${missing.join(', ')} cannot be found: install the packages bubblewrap, util-linux and bash.`,
      );
    }
    knownOptions ??= bubblewrapOptions();
    const owner = { drill, worker: thisWorker(), expiresAt };
    const forbidNamespaces = (await knownOptions).has('--disable-userns');
    return launchCell(options, { ...request, owner, forbidNamespaces }, signal);
  };

  /** For one tool; the cell is gone when it is done. */
  const inThrowaway = async <T>(
    request: Pick<CellRequest, 'user' | 'network' | 'readOnly'>,
    use: (cell: Cell) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    const full = { ...request, limits: TOOL_LIMITS, data: 'memory' } as const;
    const cell = await launch(full, '-', new Date(Date.now() + DAY_MS), signal);
    try {
      return await use(cell);
    } finally {
      await cell.destroy();
    }
  };

  const sweep = async (isWanted: Wanted, signal: AbortSignal): Promise<readonly string[]> => {
    refuseIfAborted(signal, 'the sweep');
    const removed = [
      ...(await sweepCellDirectories(options.runtimeDir, isWanted)),
      ...(await sweepDataDirectories(options.stateDir, isWanted)),
      ...(await sweepKept(options.stateDir, isWanted)),
    ];
    for (const id of new Set(removed.map((path) => basename(path)))) {
      await sweepControlGroup(controlGroupName(id));
    }
    return removed;
  };

  const prepare: ScratchHost['inspect'] & ScratchHost['prepare'] = async ({ probe }, signal) => {
    const result = await inThrowaway(
      { user: PROBE_USER, network: false, readOnly: [] },
      (cell) => cell.exec({ argv: ['/bin/sh', '-c', probe] }, signal),
      signal,
    );
    if (result.exitCode !== 0) {
      throw new MusterError(
        'image_unavailable',
        'This machine has no server that can be used: install the database server of the version that is needed, or use Docker',
        { output: result.stderr },
      );
    }
    return { isolation: 'bubblewrap', facts: result.stdout };
  };

  return {
    isolation: 'bubblewrap',
    prepare,
    inspect: prepare,

    async launch(_base, spec, signal): Promise<Scratch> {
      const keep = keptPlace(spec);
      const request = {
        user: parseUser(spec.user),
        limits: spec.limits,
        data: spec.data,
        ...(keep && { keep }),
        readOnly: spec.mounts.map(({ hostPath, path }) => ({ from: hostPath, to: path })),
        network: false,
      };
      const { kept, ...cell } = await launch(request, spec.drillId, spec.expiresAt, signal);
      const state = kept && (await settle(cell, kept, spec, signal));
      return {
        ...cell,
        ...(state && { kept: state }),
        isolation: 'bubblewrap',
        dataDir: DATA_DIR,
        innerSocketDir: SOCKET_DIR,
        mounts: true,
        reach: 'shared',
      };
    },

    runNetworked(_base, command, signal) {
      return inThrowaway(
        {
          user: parseUser(command.user),
          network: true,
          readOnly: command.directories.map((path) => ({ from: path, to: path })),
        },
        // The environment goes in through a descriptor, and none of it stands in an argument.
        (cell) => cell.exec({ ...command, env: { ...command.env, ...command.secretEnv } }, signal),
        signal,
      );
    },

    sweep: (signal) => sweep(isAbandoned, signal),

    async removeCells(drillId, signal) {
      await endCells(options.runtimeDir, madeFor(drillId));
      await sweep(madeFor(drillId), signal);
    },

    kept: () => listKept(options.stateDir),

    capacity: () => localCapacity(options.stateDir),
  };
}

/** What cannot be used is not given back. */
async function settle(
  { exec, destroy }: Pick<Cell, 'exec' | 'destroy'>,
  kept: NonNullable<Cell['kept']>,
  { limits: { diskBytes } }: LaunchSpec,
  signal: AbortSignal,
): Promise<KeptState> {
  if (kept.state !== 'kept') return kept.state;
  try {
    return (await settleKept(exec, { dataDir: DATA_DIR, diskBytes }, signal)) === 'kept' ? 'kept' : 'new';
  } catch (error) {
    kept.spoil();
    await destroy();
    throw error;
  }
}

/** @throws `launch_failed` for anything but numbers, and for root. */
export function parseUser(text: string): User {
  const [, uid, gid] = /^([1-9]\d{0,8}):([1-9]\d{0,8})$/.exec(text) ?? [];
  if (uid === undefined || gid === undefined) {
    throw new MusterError(
      'launch_failed',
      `A scratch runs as a numeric uid:gid other than root, not as "${text}"`,
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}
