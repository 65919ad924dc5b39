import type { Duplex, Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type Docker from 'dockerode';

/** All that Muster asks of a Docker daemon. Failures are those of the client; see {@link statusOf}. */
export interface Daemon {
  /** Version of the daemon. */
  version(): Promise<string>;
  info(): Promise<DaemonInfo>;
  /** Undefined where the daemon has no such image. */
  image(reference: string): Promise<ImageFacts | undefined>;
  /** Rejects where the registry does not have it, or does not answer. */
  askRegistry(reference: string, signal: AbortSignal): Promise<void>;
  /** Events of the pull as they come; the last may be an error. */
  pull(reference: string, signal: AbortSignal): Promise<Readable>;
  create(options: CreateOptions): Promise<string>;
  /** Both ends of the first process's streams, multiplexed ({@link demux}). */
  attach(container: string): Promise<Duplex>;
  start(container: string): Promise<void>;
  /** Unpacks a tar archive there. */
  unpack(container: string, path: string, tar: Buffer): Promise<void>;
  exec(container: string, options: ExecOptions): Promise<RunningExec>;
  /** Resolves once the container, with its anonymous volumes, is gone. */
  removed(container: string): Promise<void>;
  /** Kills and removes it with its anonymous volumes; nothing to do where there is none. */
  remove(container: string): Promise<void>;
  /** JSON lines, one per event of the container, until it is destroyed by the reader. */
  events(container: string, kinds: readonly string[]): Promise<Readable>;
  /** Whatever carries the label. */
  labelled(label: string): Promise<Labelled>;
  createVolume(options: Docker.VolumeCreateOptions & { readonly Name: string }): Promise<void>;
  /** The labels of a volume; undefined where there is none. */
  volumeLabels(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** False where there is none. */
  removeVolume(name: string): Promise<boolean>;
}

export type CreateOptions = Docker.ContainerCreateOptions;

export interface DaemonInfo {
  /** The same for all who use this daemon. */
  readonly id: string;
  readonly name: string;
  readonly memoryBytes: number;
  /** Where it keeps what it has, on its own machine. */
  readonly rootDir: string;
  readonly cpus: number;
  readonly holds: { readonly memory: boolean; readonly cpu: boolean; readonly pids: boolean };
}

export interface ImageFacts {
  readonly id: string;
  /** The repository's digest where it has one, else the id. */
  readonly digest: string;
  /** Paths that the image declares as volumes. */
  readonly volumes: readonly string[];
}

export interface ExecOptions {
  readonly argv: readonly string[];
  readonly user: string;
  readonly env: readonly string[];
  readonly stdin: boolean;
}

export interface RunningExec {
  /** Multiplexed; its end of writing is the process's end of file. */
  readonly stream: Duplex;
  /** Undefined while the process runs. */
  exitCode(): Promise<number | undefined>;
}

interface Labelled {
  readonly containers: readonly {
    readonly id: string;
    readonly name: string;
    readonly labels: Record<string, string>;
  }[];
  readonly volumes: readonly { readonly name: string; readonly labels: Record<string, string> }[];
}

/** Over dockerode, which appears in this file and in `address.ts` only. */
export function createDaemon(docker: Docker): Daemon {
  const removed = async (container: string): Promise<void> => {
    await missingAsUndefined(docker.getContainer(container).wait({ condition: 'removed' }));
  };
  return {
    version: async () => (await docker.version()).Version,
    info: async () => {
      const info = await docker.info();
      return {
        id: info.ID,
        name: info.Name,
        memoryBytes: info.MemTotal,
        rootDir: info.DockerRootDir,
        cpus: info.NCPU,
        holds: { memory: info.MemoryLimit, cpu: info.CpuCfsQuota, pids: info.PidsLimit },
      };
    },
    image: async (reference) => {
      const found = await missingAsUndefined(docker.getImage(reference).inspect());
      if (found === undefined) return undefined;
      const digest = /@(sha256:[0-9a-f]{64})$/.exec(found.RepoDigests?.[0] ?? '')?.[1];
      return { id: found.Id, digest: digest ?? found.Id, volumes: Object.keys(found.Config?.Volumes ?? {}) };
    },
    askRegistry: async (reference, abortSignal) => {
      await docker.getImage(reference).distribution({ abortSignal });
    },
    pull: async (reference, abortSignal) => (await docker.pull(reference, { abortSignal })) as Readable,
    create: async (options) => (await docker.createContainer(options)).id,
    attach: async (container) =>
      (await docker
        .getContainer(container)
        .attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true })) as Duplex,
    start: async (container) => {
      await docker.getContainer(container).start();
    },
    unpack: async (container, path, tar) => {
      await docker.getContainer(container).putArchive(tar, { path });
    },
    exec: async (container, { argv, user, env, stdin }) => {
      const exec = await docker.getContainer(container).exec({
        Cmd: [...argv],
        User: user,
        Env: [...env],
        WorkingDir: '/',
        AttachStdin: stdin,
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await exec.start({ hijack: true, stdin });
      return {
        stream,
        exitCode: async () => {
          const { Running, ExitCode } = await exec.inspect();
          return Running ? undefined : (ExitCode ?? undefined);
        },
      };
    },
    removed,
    remove: async (container) => {
      const removing = docker.getContainer(container).remove({ force: true, v: true });
      await missingAsUndefined(removing).catch(async (error: unknown) => {
        // 409: it is being removed already, and is there until that is done.
        if (statusOf(error) !== 409) throw error;
        await removed(container);
      });
    },
    events: async (container, kinds) =>
      (await docker.getEvents({
        filters: JSON.stringify({ container: [container], event: kinds }),
      })) as Readable,
    labelled: async (label) => {
      const filters = JSON.stringify({ label: [label] });
      const containers = await docker.listContainers({ all: true, filters });
      const { Volumes } = await docker.listVolumes({ filters });
      return {
        containers: containers.map(({ Id, Names, Labels }) => ({
          id: Id,
          name: Names[0]?.slice(1) ?? Id,
          labels: Labels,
        })),
        volumes: (Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} })),
      };
    },
    createVolume: async (options) => {
      await docker.createVolume(options);
    },
    volumeLabels: async (name) => {
      const found = await missingAsUndefined(docker.getVolume(name).inspect());
      return found && (found.Labels ?? {});
    },
    removeVolume: async (name) => {
      const removed = docker.getVolume(name).remove();
      return (await missingAsUndefined(removed.then(() => true))) ?? false;
    },
  };
}

/** The daemon's HTTP status, where it answered at all. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

/** The daemon's own words, without the client's decoration. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const said = 'json' in error ? (error.json as { readonly message?: unknown } | null)?.message : undefined;
  return (typeof said === 'string' ? said : error.message).trim();
}

/** For a call that the daemon should have answered, whatever the answer. */
export const silent = (cause: unknown): MusterError =>
  new MusterError(
    'launch_failed',
    `Docker does not answer: ${reasonOf(cause)}. Start it, or set DOCKER_HOST to where it listens`,
    { cause },
  );

async function missingAsUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
