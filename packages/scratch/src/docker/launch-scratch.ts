import { access } from 'node:fs/promises';
import { isMusterError, MusterError } from '@muster/core';
import { type CellDirectory, createCellDirectory } from '../cell-directory.js';
import { keptPlace } from '../kept-data.js';
import type { Ownership } from '../labels.js';
import { pinSocket } from '../pin-socket.js';
import type { Command, KeptState, LaunchSpec, Loss, Scratch } from '../scratch.js';
import { settleKept } from '../settle-kept.js';
import { watchSocketDirectory } from '../socket-directory-watch.js';
import { bootId, thisWorker } from '../worker-identity.js';
import { type Bridge, createBridge } from './bridge.js';
import { type Cell, launchCell } from './cell.js';
import { type CellConfig, dataDirectory, heldLimits, INNER } from './cell-config.js';
import { type DaemonInfo, type ImageFacts, reasonOf, silent, statusOf } from './daemon.js';
import { diagnoseCell } from './diagnose.js';
import { watchDisk } from './disk-watch.js';
import type { DockerContext } from './docker-context.js';
import { execInCell } from './exec.js';
import { KeptInUse, type KeptVolume, removeVolume, stateOf, wantVolume } from './kept-volume.js';

/** A cell with data and a socket. Whatever fails on the way, nothing is left. */
export async function launchScratch(
  context: DockerContext,
  image: ImageFacts,
  spec: LaunchSpec,
  signal: AbortSignal,
): Promise<Scratch> {
  await refuseMissing(spec.mounts);
  const place = keptPlace(spec);
  if (place === undefined) return await launchWith(context, image, spec, undefined, signal);
  const volume = await wantVolume(context.daemon, place).catch((cause: unknown) =>
    Promise.reject(silent(cause)),
  );
  const scratch =
    volume && (await launchWith(context, image, spec, volume, signal).catch((error) => unlessInUse(error)));
  return scratch ?? { ...(await launchWith(context, image, spec, undefined, signal)), kept: 'throwaway' };
}

/** Docker gives no two containers the same name: another cell has the volume. */
function unlessInUse(error: unknown): undefined {
  if (isInUse(error) || (isMusterError(error, 'launch_failed') && statusOf(error.cause) === 409))
    return undefined;
  throw error;
}

const isInUse = (error: unknown): boolean => error instanceof KeptInUse;

/** @throws KeptInUse where a volume that was wanted is another's by now. */
async function launchWith(
  context: DockerContext,
  image: ImageFacts,
  spec: LaunchSpec,
  volume: KeptVolume | undefined,
  signal: AbortSignal,
): Promise<Scratch> {
  const owner: Ownership = { drill: spec.drillId, worker: thisWorker(), expiresAt: spec.expiresAt };
  const quota = spec.data === 'disk' && (await context.quota());
  const info = await context.info();
  const directory = await createCellDirectory(context.runtimeDir, owner);
  try {
    const config = (reach: Scratch['reach']): Omit<CellConfig, 'name'> => ({
      image,
      owner,
      user: spec.user,
      limits: spec.limits,
      network: 'none',
      data: spec.data,
      quota,
      lifeSeconds: Math.max(1, Math.ceil((spec.expiresAt.getTime() - Date.now()) / 1000)),
      mounts: reach === 'shared' ? spec.mounts : [],
      ...(volume !== undefined && { volume }),
      ...(reach === 'shared' ? { sharedSockets: directory.socketDir } : {}),
    });
    const { cell, reach } = await launchWithin(context, info, config, signal);
    try {
      const dataDir = dataDirectory(spec.data);
      const watchedBytes = spec.data === 'disk' && !quota ? spec.limits.diskBytes : undefined;
      const kept = volume && (await settled(context, cell, volume, spec, signal));
      if (watchedBytes !== undefined) await watchDisk(cell, dataDir, watchedBytes);
      return toScratch({
        cell,
        reach,
        dataDir,
        watchedBytes,
        directory,
        limits: heldLimits({ ...config(reach), name: '' }, info),
        ...(kept && { kept }),
        ...(volume && { spoil: () => removeVolume(context.daemon, volume.name) }),
      });
    } catch (error) {
      await cell.end(DESTROYED);
      // What a launch cannot go on with, no later one shall meet again.
      if (volume !== undefined && !isInUse(error)) await removeVolume(context.daemon, volume.name);
      throw isMusterError(error) || isInUse(error) ? error : silent(error);
    }
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

/** @throws KeptInUse */
async function settled(
  { daemon }: DockerContext,
  cell: Cell,
  volume: KeptVolume,
  { limits: { diskBytes } }: LaunchSpec,
  signal: AbortSignal,
): Promise<'new' | 'kept'> {
  const state = await stateOf(daemon, volume);
  if (state === 'new') return state;
  const exec = (command: Command, stop: AbortSignal) => execInCell(cell, command, stop);
  const left = await settleKept(exec, { dataDir: dataDirectory('disk'), diskBytes }, signal);
  return left === 'kept' ? 'kept' : 'new';
}

/** Looked at here first, so that what the daemon then refuses is the sharing itself. */
async function refuseMissing(mounts: LaunchSpec['mounts']): Promise<void> {
  for (const { hostPath } of mounts) {
    await access(hostPath).catch((cause: unknown) => {
      throw new MusterError('launch_failed', `${hostPath} is to be shown in the scratch but is not there`, {
        cause,
      });
    });
  }
}

type Launched = { readonly cell: Cell; readonly reach: Scratch['reach'] };

/**
 * Shares the socket directory if it can be shared. That it can is proven by a directory with a random name, made a
 * moment ago: a daemon that sees another file system refuses to mount what is not there. And a container on another
 * kernel (Docker Desktop) may see the directory, but not reach through its sockets.
 */
async function launchWithin(
  context: DockerContext,
  info: DaemonInfo,
  config: (reach: Scratch['reach']) => Omit<CellConfig, 'name'>,
  signal: AbortSignal,
): Promise<Launched> {
  if (context.reach !== 'bridge') {
    const cell = await launchCell(context.daemon, info, config('shared'), signal).catch(
      async (error: unknown) => {
        const refused =
          isMusterError(error, 'launch_failed') && statusOf(error.cause) === 400 && !isOtherKind(error.cause);
        // Once it worked, a refusal is about something else.
        if (!refused || context.reach === 'shared') throw error;
        return undefined;
      },
    );
    if (cell?.bootId === bootId() && cell !== undefined) {
      context.reach = 'shared';
      return { cell, reach: 'shared' };
    }
    await cell?.end(DESTROYED);
  }
  const cell = await launchCell(context.daemon, info, config('bridge'), signal);
  context.reach = 'bridge';
  return { cell, reach: 'bridge' };
}

/** A file was to be shown over a directory of the image, or a directory over a file: that has nothing to do with sharing. */
const isOtherKind = (cause: unknown): boolean => /not a directory|vice-versa/i.test(reasonOf(cause));

const DESTROYED: Loss = { reason: 'scratch_lost', detail: 'the scratch was destroyed' };
const MISUSED: Loss = {
  reason: 'scratch_disk_full',
  detail: 'a process in the scratch wrote more than sockets into the socket directory',
};

interface Parts extends Launched {
  readonly dataDir: string;
  /** The bound of the data directory, where it is only watched. */
  readonly watchedBytes: number | undefined;
  readonly directory: CellDirectory;
  readonly limits: Scratch['limits'];
  readonly kept?: KeptState;
  /** Throws the kept data away, once the cell is gone. */
  readonly spoil?: () => Promise<unknown>;
}

function toScratch(parts: Parts): Scratch {
  const { cell, reach, dataDir, watchedBytes, directory, limits, kept, spoil } = parts;
  const bridge: Bridge | undefined = reach === 'bridge' ? createBridge(cell, directory.path) : undefined;
  const stopWatch =
    reach === 'shared' ? watchSocketDirectory(directory.socketDir, () => void cell.end(MISUSED)) : () => {};
  let destroyed: Promise<void> | undefined;
  let loss: Loss | undefined;
  const lost = new Promise<Loss>((resolve) => {
    void cell.ended.then((why) => {
      stopWatch();
      if (destroyed !== undefined) return;
      loss = why;
      resolve(why);
    });
  });
  return {
    isolation: 'docker',
    limits,
    dataDir,
    ...(kept !== undefined && { kept }),
    innerSocketDir: INNER.sockets,
    socketDir: directory.path,
    mounts: reach === 'shared',
    reach,
    lost,
    exec: (command, signal) => execInCell(cell, command, signal),
    expose: ({ name, tcpPort }) => bridge?.expose(name, tcpPort) ?? pinSocket(directory, name),
    diagnose: async () =>
      loss ?? (destroyed === undefined ? await diagnoseCell(cell, dataDir, watchedBytes) : undefined),
    destroy: () => {
      destroyed ??= (async () => {
        stopWatch();
        const closing = bridge?.close();
        await cell.end(DESTROYED);
        await closing;
        // A cell that came to a bad end may have been ended by what is in it.
        if (loss !== undefined) await spoil?.();
        await directory.remove().catch(() => {});
      })();
      return destroyed;
    },
  };
}
