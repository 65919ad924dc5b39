import type { HeldLimits, ScratchLimits } from '@muster/core';
import { type Ownership, toLabels } from '../labels.js';
import type { CreateOptions, DaemonInfo, ImageFacts } from './daemon.js';

/** What is inside of every cell, in a directory that no image has. */
export const INNER = {
  /** Data on tmpfs, and where the volume of data on disk is mounted: the directory in it is the user's. */
  data: '/muster/data',
  sockets: '/muster/s',
} as const;

export interface CellConfig {
  readonly name: string;
  readonly image: ImageFacts;
  readonly owner: Ownership;
  readonly user: string;
  readonly limits: ScratchLimits;
  readonly network: 'none' | 'host';
  readonly data: 'none' | 'memory' | 'disk';
  /** The daemon holds the size of a volume by a quota. */
  readonly quota: boolean;
  /** The volume of the data directory that outlives the cell; absent = one that goes with it. */
  readonly volume?: { readonly name: string; readonly owner: Ownership };
  /** Host path of the socket directory to share; absent = sockets stay inside. */
  readonly sharedSockets?: string;
  readonly mounts: readonly { readonly hostPath: string; readonly path: string }[];
  /** Seconds after which the cell ends by itself. */
  readonly lifeSeconds: number;
}

/**
 * The cage. Docker's own masked paths, seccomp and AppArmor profiles stay in force; everything that is writable is a
 * bounded tmpfs, the data directory, or the socket directory.
 */
export function containerOptions(config: CellConfig, info: DaemonInfo): CreateOptions {
  const { limits } = config;
  const [uid = '0', gid = '0'] = config.user.split(':');
  const own = `uid=${uid},gid=${gid},mode=0700`;
  return {
    name: config.name,
    Image: config.image.id,
    User: guardUser(config.user),
    Entrypoint: ['/bin/sh'],
    Cmd: ['-c', GUARD, 'guard', String(config.lifeSeconds)],
    WorkingDir: '/',
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    StopSignal: 'SIGKILL',
    StopTimeout: 1,
    Healthcheck: { Test: ['NONE'] },
    Labels: toLabels(config.owner),
    HostConfig: {
      AutoRemove: true,
      NetworkMode: config.network,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'private',
      // Where the host itself runs out of memory, a scratch goes first.
      OomScoreAdj: 900,
      PidsLimit: limits.pids,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      // Unlike the others, a bound on cpus that cannot be held is refused instead of left out.
      ...(info.holds.cpu ? { NanoCpus: Math.round(Math.min(limits.cpus, info.cpus) * 1e9) } : {}),
      ShmSize: Math.floor(limits.memoryBytes / 4),
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        // Not more: a daemon that is itself confined cannot raise its own limit.
        { Name: 'nofile', Soft: 8192, Hard: 8192 },
      ],
      // What tools and servers print must not lie in the daemon's own logs (law 2).
      LogConfig: { Type: 'none', Config: {} },
      Tmpfs: {
        '/tmp': `rw,${HARMLESS},mode=1777,size=${Math.floor(Math.min(limits.memoryBytes / 4, MAX_TMP_BYTES))}`,
        '/run': `rw,${HARMLESS},mode=1777,size=${RUN_BYTES}`,
        ...(config.data === 'memory'
          ? { [INNER.data]: `rw,${HARMLESS},${own},size=${limits.diskBytes}` }
          : {}),
        ...(config.sharedSockets === undefined
          ? { [INNER.sockets]: `rw,${HARMLESS},${own},size=${RUN_BYTES}` }
          : {}),
      },
      Mounts: [
        ...(config.data === 'disk' ? [dataVolume(config)] : []),
        ...(config.sharedSockets === undefined ? [] : [bind(config.sharedSockets, INNER.sockets, false)]),
        ...config.mounts.map(({ hostPath, path }) => bind(hostPath, path, true)),
        ...config.image.volumes.filter((path) => !isCovered(path, config)).map(closedVolume),
      ],
    },
  };
}

/** What of the limits the daemon holds for certain. A volume without a quota is only watched. */
export function heldLimits(config: CellConfig, info: DaemonInfo): HeldLimits {
  const { limits } = config;
  return {
    ...(info.holds.cpu ? { cpus: Math.min(limits.cpus, info.cpus) } : {}),
    ...(info.holds.memory ? { memory_bytes: limits.memoryBytes } : {}),
    ...(config.data === 'memory' || config.quota ? { disk_bytes: limits.diskBytes } : {}),
    ...(info.holds.pids ? { pids: limits.pids } : {}),
  };
}

/** Inside: the directory that belongs to the user. */
export const dataDirectory = (data: CellConfig['data']): string =>
  data === 'disk' ? `${INNER.data}/${DATA_IN_VOLUME}` : INNER.data;

export const DATA_IN_VOLUME = 'd';

/** The worker writes a byte this often; after so long a silence the cell ends, for worker or daemon are dead. */
export const BEAT_MS = 5_000;
const SILENCE_SECONDS = 30;

/**
 * The first process, in nothing but POSIX sh: it ends, and the cell with it, when the worker's end of its stdin closes,
 * when no byte came for too long (a daemon that was killed leaves stdin open), or when its time is up. It is not the
 * user of the other processes, so none of them can stop it, trace it or hold its stdin open; and `wait` reaps what
 * they orphan. Its first line names the kernel it runs on.
 */
const GUARD = `exec 3<&0
while [ -n "$(exec timeout ${SILENCE_SECONDS} head -c 1 <&3)" ]; do :; done 2>/dev/null &
guard=$!
(sleep "$1"; kill "$guard") </dev/null >/dev/null 2>&1 &
cat /proc/sys/kernel/random/boot_id
exec >/dev/null 2>&1
wait "$guard"`;

const HARMLESS = 'nosuid,nodev,noexec';
const RUN_BYTES = 16 * 1024 * 1024;
const MAX_TMP_BYTES = 256 * 1024 * 1024;

/** Any user but the cell's own and root. */
const guardUser = (user: string): string => (user.startsWith('65533:') ? '65532:65532' : '65533:65533');

type Mount = NonNullable<NonNullable<CreateOptions['HostConfig']>['Mounts']>[number];

// Mounts, not Binds: a source that is not there is an error, and is not made on the host.
const bind = (Source: string, Target: string, ReadOnly: boolean): Mount => ({
  Type: 'bind',
  Source,
  Target,
  ReadOnly,
});

/** Anonymous, so that AutoRemove takes it away with the container, unless it is to be kept. */
const dataVolume = ({ owner, quota, limits, volume }: CellConfig): Mount => ({
  Type: 'volume',
  Source: volume?.name ?? '',
  Target: INNER.data,
  VolumeOptions: {
    NoCopy: true,
    // Of one that is there already the labels stay as they are.
    Labels: toLabels(volume?.owner ?? owner),
    DriverConfig: { Name: 'local', Options: quota ? { size: String(limits.diskBytes) } : {} },
  },
});

/** An image's VOLUME would otherwise be a writable, unbounded directory on the host's disk. */
const closedVolume = (Target: string): Mount => ({
  Type: 'tmpfs',
  Source: '',
  Target,
  ReadOnly: true,
  TmpfsOptions: { SizeBytes: 4096, Mode: 0o555 },
});

const isCovered = (path: string, config: CellConfig): boolean =>
  ['/tmp', '/run', ...config.mounts.map((mount) => mount.path)].includes(path.replace(/\/+$/, ''));
