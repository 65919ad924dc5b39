import { isMusterError, MusterError } from '@muster/core';
import { createBubblewrapHost } from './bubblewrap/bubblewrap-host.js';
import { detectBubblewrap } from './bubblewrap/detect-bubblewrap.js';
import type { HostRequest, WantedImage } from './choose-host.js';
import { detectDocker } from './docker/detect-docker.js';
import { createDockerHost } from './docker/docker-host.js';
import type { ScratchHost } from './scratch.js';

/** What a worker asks of a machine before it knows the image of a drill. `capacity` @throws `isolation_unavailable` */
export type FleetHost = Pick<ScratchHost, 'capacity' | 'removeCells'>;

/** Docker where it may be used and answers, else this machine itself; cells are removed wherever they may be. */
export function fleetHost({
  kind,
  env = process.env,
  ...options
}: Omit<HostRequest, keyof WantedImage>): FleetHost {
  const docker = createDockerHost({ ...options, env });
  const bubblewrap = createBubblewrapHost(options);
  const whyNoDocker = async (signal: AbortSignal): Promise<string | undefined> => {
    if (kind === 'bubblewrap') return 'the configuration wants bubblewrap';
    const found = await detectDocker(env, signal);
    return found.available ? undefined : found.reason;
  };
  const hasDocker = async (signal: AbortSignal): Promise<boolean> =>
    (await whyNoDocker(signal)) === undefined;
  return {
    capacity: async (signal) => {
      const noDocker = await whyNoDocker(signal);
      if (noDocker === undefined) return await docker.capacity(signal);
      const cage = kind === 'docker' ? undefined : await detectBubblewrap(signal);
      if (cage?.available) return await bubblewrap.capacity(signal);
      const noCage = cage === undefined ? '' : `. bubblewrap: ${cage.why}; ${cage.remedy}`;
      throw new MusterError(
        'isolation_unavailable',
        `Nothing here can isolate a scratch at the moment. Docker: ${noDocker}${noCage}`,
      );
    },
    removeCells: async (drillId, signal) => {
      const hosts = (await hasDocker(signal)) ? [docker, bubblewrap] : [bubblewrap];
      const ended = await Promise.allSettled(hosts.map((host) => host.removeCells(drillId, signal)));
      for (const one of ended) if (one.status === 'rejected' && !isMusterError(one.reason)) throw one.reason;
    },
  };
}
