import { isMusterError } from '@muster/core';
import { createBubblewrapHost } from './bubblewrap/bubblewrap-host.js';
import type { HostRequest } from './choose-host.js';
import { detectDocker } from './docker/detect-docker.js';
import { createDockerHost } from './docker/docker-host.js';
import type { ScratchHost } from './scratch.js';

/** What a worker asks of a machine before it knows the image of a drill. */
export type FleetHost = Pick<ScratchHost, 'capacity' | 'removeCells'>;

/** Docker where it may be used and answers, else this machine itself; cells are removed wherever they may be. */
export function fleetHost({ kind, env = process.env, ...options }: Omit<HostRequest, 'image'>): FleetHost {
  const docker = createDockerHost({ ...options, env });
  const bubblewrap = createBubblewrapHost(options);
  const hasDocker = async (signal: AbortSignal): Promise<boolean> =>
    kind !== 'bubblewrap' && (await detectDocker(env, signal)).available;
  return {
    capacity: async (signal) => await ((await hasDocker(signal)) ? docker : bubblewrap).capacity(signal),
    removeCells: async (drillId, signal) => {
      const hosts = (await hasDocker(signal)) ? [docker, bubblewrap] : [bubblewrap];
      const ended = await Promise.allSettled(hosts.map((host) => host.removeCells(drillId, signal)));
      for (const one of ended) if (one.status === 'rejected' && !isMusterError(one.reason)) throw one.reason;
    },
  };
}
