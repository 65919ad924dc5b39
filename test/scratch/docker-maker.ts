import { createDockerHost, type HostOptions, type ScratchHost } from '@muster/scratch';

export const makeHost = async (options: HostOptions): Promise<ScratchHost> => createDockerHost(options);

/** Shares no directory: every connection goes through a process in the cell. */
export const makeBridgedHost = async (options: HostOptions): Promise<ScratchHost> =>
  createDockerHost({ ...options, reach: 'bridge' });
