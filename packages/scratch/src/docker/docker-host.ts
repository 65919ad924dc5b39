import { MusterError, type ScratchLimits } from '@muster/core';
import { dockerCapacity } from '../capacity.js';
import { sweepCellDirectories } from '../cell-directory.js';
import { isAbandoned, madeFor, type Wanted } from '../labels.js';
import { refuseIfAborted } from '../limit.js';
import type { Base, HostOptions, ScratchHost } from '../scratch.js';
import { thisWorker } from '../worker-identity.js';
import { type Env, openDaemon } from './address.js';
import { type Cell, launchCell } from './cell.js';
import type { CellConfig } from './cell-config.js';
import { type Daemon, type ImageFacts, silent } from './daemon.js';
import type { DockerContext } from './docker-context.js';
import { execInCell } from './exec.js';
import { listVolumes } from './kept-volume.js';
import { launchScratch } from './launch-scratch.js';
import { withSecrets } from './networked.js';
import { findImage, inspectBase, prepareBase } from './prepare.js';
import { holdsVolumeQuota } from './quota.js';
import { sweepDocker } from './sweep.js';

export interface DockerHostOptions extends HostOptions {
  /** Where Docker is: `DOCKER_HOST` and its companions. Default: the environment of this process. */
  readonly env?: Env;
  /** `bridge`: share no directory, even where one could be. Default: found out at the first launch. */
  readonly reach?: 'bridge';
}

/** Scratches as Docker containers. Connects when first used. @throws `isolation_unavailable` for a bad address */
export function createDockerHost(options: DockerHostOptions): ScratchHost {
  const daemon = openDaemon(options.env ?? process.env);
  const info = once(() => daemon.info().catch((cause: unknown) => Promise.reject(silent(cause))));
  const context: DockerContext = {
    daemon,
    runtimeDir: options.runtimeDir,
    info,
    quota: once(() => holdsVolumeQuota(daemon)),
    reach: options.reach,
  };
  const launchTool = async (image: ImageFacts, config: ToolConfig, signal: AbortSignal): Promise<Cell> =>
    launchCell(daemon, await info(), { ...TOOL, ...config, image, owner: ownerOfTool() }, signal);
  const launchProbe = (image: ImageFacts, signal: AbortSignal): Promise<Cell> =>
    launchTool(image, { user: NOBODY, network: 'none', mounts: [] }, signal);

  const sweep = async (isWanted: Wanted, signal: AbortSignal): Promise<readonly string[]> => {
    refuseIfAborted(signal, 'the sweep');
    return [
      ...(await sweepDocker(daemon, isWanted, signal)),
      ...(await sweepCellDirectories(options.runtimeDir, isWanted)),
    ];
  };

  return {
    isolation: 'docker',
    prepare: (request, signal) =>
      prepareBase(daemon, options.stateDir, request, (image) => launchProbe(image, signal), signal),
    inspect: (request, signal) =>
      inspectBase(daemon, options.stateDir, request, (image) => launchProbe(image, signal), signal),
    launch: async (base, spec, signal) => {
      refuseIfAborted(signal, 'the launch of the scratch');
      return await launchScratch(context, await imageOf(daemon, base), spec, signal);
    },
    runNetworked: async (base, command, signal) => {
      refuseIfAborted(signal, 'the tool with the network');
      const mounts = command.directories.map((path) => ({ hostPath: path, path }));
      const image = await imageOf(daemon, base);
      const cell = await launchTool(image, { user: command.user, network: 'host', mounts }, signal);
      try {
        return await execInCell(cell, withSecrets(command), signal);
      } finally {
        await cell.end({ reason: 'scratch_lost', detail: 'the tool is over' });
      }
    },
    sweep: (signal) => sweep(isAbandoned, signal),
    removeCells: async (drillId, signal) => {
      await sweep(madeFor(drillId), signal);
    },
    kept: () => listVolumes(daemon),
    capacity: async () => await dockerCapacity(await info()),
  };
}

type ToolConfig = Pick<CellConfig, 'user' | 'network' | 'mounts'>;

const MIB = 1024 * 1024;
const TOOL_LIMITS: ScratchLimits = { cpus: 2, memoryBytes: 1024 * MIB, diskBytes: 0, pids: 256 };
/** A tool ends with its worker; this is only for a sweep from elsewhere, long after any live dump is over. */
const TOOL_LIFE_SECONDS = 7 * 24 * 3600;
const TOOL = { limits: TOOL_LIMITS, data: 'none', quota: false, lifeSeconds: TOOL_LIFE_SECONDS } as const;
const NOBODY = '65534:65534';

const ownerOfTool = (): CellConfig['owner'] => ({
  drill: '-',
  worker: thisWorker(),
  expiresAt: new Date(Date.now() + TOOL_LIFE_SECONDS * 1000),
});

/** The very image that was prepared, although its name may mean another by now. */
async function imageOf(daemon: Daemon, base: Base): Promise<ImageFacts> {
  const image = await findImage(daemon, base.image ?? '');
  if (image === undefined || image.digest !== base.imageDigest) {
    throw new MusterError(
      'image_unavailable',
      `The image ${base.image} changed or went away since it was prepared: run the drill again`,
    );
  }
  return image;
}

/** Remembers an answer, and not a failure. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}
