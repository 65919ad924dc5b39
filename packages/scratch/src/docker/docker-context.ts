import type { Daemon, DaemonInfo } from './daemon.js';

/** What one daemon is found to do, for as long as this process lives. */
export interface DockerContext {
  readonly daemon: Daemon;
  readonly runtimeDir: string;
  readonly info: () => Promise<DaemonInfo>;
  readonly quota: () => Promise<boolean>;
  /** Undefined until the first launch found it out. */
  reach: 'shared' | 'bridge' | undefined;
}
