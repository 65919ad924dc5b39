import { mkdtemp, rm } from 'node:fs/promises';
import type {
  Base,
  Command,
  ExecResult,
  HostOptions,
  LaunchSpec,
  Scratch,
  ScratchHost,
} from '@muster/scratch';

export type MakeHost = (options: HostOptions) => Promise<ScratchHost>;

/** What the contract is tried on. */
export interface Subject {
  /** `import.meta.url` of a module that exports `makeHost`, so that a child process can be a worker too. */
  readonly module: string;
  readonly image: string;
  /** `uid:gid` in {@link LaunchSpec.user}. */
  readonly user: string;
  /** Directory inside with `initdb` and `postgres`. */
  readonly binDir: string;
}

/** One host in directories of its own, and short ways to use it. */
export interface Bench {
  readonly subject: Subject;
  readonly options: HostOptions;
  readonly host: ScratchHost;
  readonly base: Base;
  launch(spec?: Partial<LaunchSpec>, signal?: AbortSignal): Promise<Scratch>;
  /** Launches a cell, hands it over, and destroys it whatever happens. */
  within<T>(use: (scratch: Scratch) => Promise<T>, spec?: Partial<LaunchSpec>): Promise<T>;
  close(): Promise<void>;
}

export const MIB = 1024 * 1024;
export const LIMITS = { cpus: 2, memoryBytes: 512 * MIB, diskBytes: 192 * MIB, pids: 128 };
export const PROBE =
  'od -An -N8 -tx8 /dev/urandom; id -u; cat /proc/net/dev; grep NoNewPrivs /proc/self/status';

export const never = (): AbortSignal => new AbortController().signal;

export async function createBench(makeHost: MakeHost, subject: Subject, probe = PROBE): Promise<Bench> {
  // Not /tmp: where that is in memory, data on disk would count as memory.
  const root = await mkdtemp('/var/tmp/mst-');
  const options = { runtimeDir: `${root}/run`, stateDir: `${root}/state` };
  const host = await makeHost(options);
  const base = await host.prepare({ image: subject.image, probe }, never());
  const launch: Bench['launch'] = (spec = {}, signal = never()) =>
    host.launch(
      base,
      {
        drillId: 'drl_01JD0000000000000000000000',
        expiresAt: new Date(Date.now() + 3_600_000),
        user: subject.user,
        limits: LIMITS,
        data: 'memory',
        mounts: [],
        ...spec,
      },
      signal,
    );
  return {
    subject,
    options,
    host,
    base,
    launch,
    async within(use, spec) {
      const scratch = await launch(spec);
      try {
        return await use(scratch);
      } finally {
        await scratch.destroy();
      }
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

/** Runs a script of /bin/sh inside. */
export const sh = (
  scratch: Scratch,
  script: string,
  command: Omit<Command, 'argv'> = {},
  signal: AbortSignal = never(),
): Promise<ExecResult> => scratch.exec({ argv: ['/bin/sh', '-c', script], ...command }, signal);
