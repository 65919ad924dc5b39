import { mkdtemp, rm } from 'node:fs/promises';
import { type Artefact, BACKUP_MOUNT, type BackupFacts, type Engine, type Server } from '@muster/engines';
import {
  type Base,
  createBubblewrapHost,
  createDockerHost,
  type LaunchSpec,
  type Scratch,
  type ScratchHost,
} from '@muster/scratch';

const MIB = 1024 * 1024;
const LIMITS = { cpus: 2, memoryBytes: 1024 * MIB, diskBytes: 1024 * MIB, pids: 256 };

export const never = (): AbortSignal => new AbortController().signal;

/** Where servers of one engine are launched, with directories of its own. */
export interface ServerBench {
  readonly host: ScratchHost;
  readonly base: Base;
  /** Launches, starts, hands over, and destroys whatever happens. */
  within<T>(facts: BackupFacts, use: (up: Up) => Promise<T>, options?: UpOptions): Promise<T>;
  close(): Promise<void>;
}

export interface Up {
  readonly scratch: Scratch;
  readonly server: Server;
  /** What tools and the server printed to `onOutput`. */
  readonly output: () => string;
  readonly onOutput: (text: string) => void;
}

export interface UpOptions {
  readonly limits?: Partial<LaunchSpec['limits']>;
  /** Shown inside, where directories can be shared. */
  readonly artefact?: Artefact;
}

/** @param place `docker …`, `docker … by the bridge` or `bubblewrap …` */
export async function serverBench(
  engine: Engine,
  image: string,
  place: string,
  /** Shows something else than there is. */
  shown: (base: Base) => Base = (base) => base,
): Promise<ServerBench> {
  const root = await mkdtemp('/tmp/mse-');
  const directories = { runtimeDir: `${root}/run`, stateDir: `${root}/state` };
  const host = place.startsWith('docker')
    ? createDockerHost(place.endsWith('bridge') ? { ...directories, reach: 'bridge' } : directories)
    : createBubblewrapHost(directories);
  const base = shown(await host.prepare({ image, probe: engine.probe }, never()));
  return {
    host,
    base,
    within: async (facts, use, { artefact, limits } = {}) => {
      const scratch = await host.launch(
        base,
        {
          drillId: 'drl_01JD0000000000000000000000',
          expiresAt: new Date(Date.now() + 3_600_000),
          user: engine.admit(facts, base).user,
          limits: { ...LIMITS, ...limits },
          data: 'disk',
          mounts:
            artefact !== undefined && 'path' in artefact
              ? [{ hostPath: artefact.path, path: BACKUP_MOUNT }]
              : [],
        },
        never(),
      );
      try {
        const server = await engine.start(scratch, base, facts, never());
        let output = '';
        const onOutput = (text: string) => {
          output += text;
        };
        return await use({ scratch, server, output: () => output, onOutput });
      } finally {
        await scratch.destroy();
      }
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}
