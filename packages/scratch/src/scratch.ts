import type { Readable, Writable } from 'node:stream';
import type { HeldLimits, ScratchLimits } from '@muster/core';

/**
 * Where a server can be run in isolation: one implementation each for Docker and bubblewrap, held to the same
 * contract tests. It knows cells, processes and sockets; it does not know what a backup is.
 *
 * Every method throws MusterError: `image_unavailable`, `launch_failed`, `scratch_lost`,
 * `isolation_unavailable`, or `cancelled` when its signal aborts (with everything it began taken back).
 */
export interface ScratchHost {
  readonly isolation: 'docker' | 'bubblewrap';

  /**
   * Does what does not depend on a drill: pulls the image when it is absent (reporting progress), and runs
   * `probe` once in a throwaway cell. The answer is remembered by image digest, so a second call is cheap.
   */
  prepare(request: PrepareRequest, signal: AbortSignal): Promise<Base>;

  /**
   * As {@link prepare}, but nothing is pulled: undefined where the image is not here and its registry has it.
   * @throws as {@link prepare}, also where neither has it.
   */
  inspect(request: Omit<PrepareRequest, 'onPull'>, signal: AbortSignal): Promise<Base | undefined>;

  /** Launches an empty cell in which {@link Scratch.exec} can run processes. */
  launch(base: Base, spec: LaunchSpec, signal: AbortSignal): Promise<Scratch>;

  /**
   * Runs one tool outside a cell's isolation from the network (the live dump of a source), otherwise as caged as a
   * scratch: no capabilities, read-only, bounded, gone with the worker.
   */
  runNetworked(base: Base, command: NetworkedCommand, signal: AbortSignal): Promise<ExecResult>;

  /**
   * Removes what dead processes left: only what carries Muster's own labels and is expired or whose worker process
   * on this host is gone. Kept data that no cell has goes only when it is expired.
   */
  sweep(signal: AbortSignal): Promise<readonly string[]>;

  /**
   * Removes every cell of this drill, whichever worker made it and whether or not that worker lives: what a try left that
   * another has taken over. Only what carries Muster's own label with this very drill.
   */
  removeCells(drillId: string, signal: AbortSignal): Promise<void>;

  /** What is kept here for coming drills, whether or not a cell has it. */
  kept(signal: AbortSignal): Promise<readonly KeptData[]>;

  /** What this host has for scratches at this moment. */
  capacity(signal: AbortSignal): Promise<ScratchCapacity>;
}

/** What a host has. Bytes. Absent = not known. */
export interface ScratchCapacity {
  /** Names what is shared: the same for every worker of one Docker daemon, or of one kernel without Docker. */
  readonly hostId: string;
  readonly hostName: string;
  /** What all scratches together may be promised: the host's memory less what it needs itself. */
  readonly memoryBytes: number;
  readonly memoryFreeBytes?: number;
  /** Free where data directories lie. */
  readonly diskFreeBytes?: number;
  readonly pids?: number;
}

/** What every host needs of this machine. Both directories are made (0700) if they are absent. */
export interface HostOptions {
  /** Short, for it holds unix sockets: at most 60 bytes. Best on a tmpfs, as `/run/muster`. */
  readonly runtimeDir: string;
  /** What is remembered between runs: answers of probes. Content-addressed, so it may be lost or shared. */
  readonly stateDir: string;
}

export interface PrepareRequest {
  /** Image reference. bubblewrap runs the host's own binaries and ignores it. */
  readonly image: string;
  /** POSIX sh script, run without network as an unprivileged user; its stdout becomes {@link Base.facts}. */
  readonly probe: string;
  /** What to do where the image cannot be had, for people. Default: as for an image of `scratch.images`. */
  readonly remedy?: string | undefined;
  readonly onPull?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/** What scratches are launched from. */
export interface Base {
  readonly isolation: ScratchHost['isolation'];
  readonly image?: string;
  /** `sha256:…`: the repository digest where there is one, else the image id. */
  readonly imageDigest?: string;
  /** What the probe printed. */
  readonly facts: string;
}

export interface LaunchSpec {
  readonly drillId: string;
  /** After this moment a sweep on any host may remove it. */
  readonly expiresAt: Date;
  /** Numeric `uid:gid` that everything inside runs as. */
  readonly user: string;
  /** What is asked for; {@link Scratch.limits} says what holds. */
  readonly limits: ScratchLimits;
  /** `memory`: the data directory is a tmpfs and its bytes count as memory. */
  readonly data: 'memory' | 'disk';
  /** Data on disk that outlives the cell, for the next launch with the same key. Absent = it goes with the cell. */
  readonly keep?: KeepRequest;
  /** Files or directories of this machine shown read-only inside; only where {@link Scratch.mounts} can be had. */
  readonly mounts: readonly { readonly hostPath: string; readonly path: string }[];
}

/** Data that outlives its cell: used by one cell at a time, and gone two weeks after it was made. */
export interface KeepRequest {
  /** Whose it is: the same for all drills that may go on from one another. */
  readonly key: string;
  /** What must be the same too: where it differs from that of the last launch, the data begins anew. */
  readonly form: string;
}

/** Data that is kept. */
export interface KeptData {
  /** The volume or directory. */
  readonly name: string;
  /** {@link KeepRequest.key} */
  readonly key: string;
  readonly expiresAt: Date;
}

/**
 * What is in the data directory of a cell whose data is to be kept. `new`: nothing yet. `kept`: what an earlier cell left,
 * to be trusted by no means; only plain files with one name each and directories. `throwaway`: nothing, and it goes with
 * the cell, for another cell has what was kept.
 */
export type KeptState = 'new' | 'kept' | 'throwaway';

/** One live cell. Its owner calls {@link destroy} on every path. */
export interface Scratch {
  readonly isolation: ScratchHost['isolation'];
  /** Only the bounds that really hold. */
  readonly limits: HeldLimits;
  /** Inside: a directory for data, owned by the user, bounded by `limits.disk_bytes`; empty unless `kept` says so. */
  readonly dataDir: string;
  /** Of data that is to be kept ({@link LaunchSpec.keep}). */
  readonly kept?: KeptState;
  /** Inside: where the server puts its unix socket. */
  readonly innerSocketDir: string;
  /**
   * On this machine: the directory (0700) through which a client reaches that socket under the same file name, once it
   * is exposed. No process inside can change what is in it. Short enough for a socket path (108 bytes).
   */
  readonly socketDir: string;
  /** True if `spec.mounts` are really there; false where no directory can be shared with the Docker host. */
  readonly mounts: boolean;
  /** `shared`: a directory both see. `bridge`: each connection goes through an exec. */
  readonly reach: 'shared' | 'bridge';
  /**
   * Resolves, and never rejects, when the cell ended without {@link destroy}: out of memory, over its disk, or gone.
   */
  readonly lost: Promise<Loss>;

  /** Runs one process inside; resolves when it ended, whatever its exit code. Aborting kills it. */
  exec(command: Command, signal: AbortSignal): Promise<ExecResult>;

  /**
   * Makes connections to `socketDir/name` reach the server's socket `innerSocketDir/name`, whatever a process inside
   * does to that name later. Call once the server accepts connections, before anything hostile runs.
   */
  expose(socket: { readonly name: string; readonly tcpPort: number }): Promise<void>;

  /**
   * Why things fail, if the cell knows: asked after a failure, before {@link destroy}; and after a success, where the disk
   * is only watched, whether it stayed within its bound.
   */
  diagnose(): Promise<Loss | undefined>;

  /** Kills and removes everything; idempotent; never throws for what is gone already; takes at most 30 s. */
  destroy(): Promise<void>;
}

export interface Loss {
  readonly reason: 'scratch_disk_full' | 'scratch_out_of_memory' | 'scratch_lost';
  readonly detail: string;
}

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Its end reaches the process as an end of file. Its error kills the process and is what `exec` rejects with. */
  readonly stdin?: Readable;
  /**
   * Where stdout goes; absent = collected (its last 64 KiB) into {@link ExecResult.stdout}. It is not ended: only who
   * has seen the exit code can say that it is complete.
   */
  readonly stdout?: Writable;
  /** Called with each piece of stderr as it comes; its last 64 KiB is collected in any case. */
  readonly onStderr?: (text: string) => void;
}

export interface NetworkedCommand extends Command {
  /**
   * Environment that may be secret: it reaches the process without standing in any process list, image or container
   * configuration.
   */
  readonly secretEnv: Readonly<Record<string, string>>;
  readonly user: string;
  /** Directories of this machine that the tool must see (a unix socket of the source). */
  readonly directories: readonly string[];
}

export interface ExecResult {
  /** 127 where there is no such program; 128 + n after signal n. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
