import { createBubblewrapHost, type HostOptions, type ScratchHost } from '@muster/scratch';

export const makeHost = async (options: HostOptions): Promise<ScratchHost> => createBubblewrapHost(options);
