import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { openings } from './openings.js';

/** Where things are inside a cell. */
export const DATA_DIR = '/data';
export const SOCKET_DIR = '/sock';

/** The only PATH: of the helpers outside, and of what runs inside. */
export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const MIB = 1024 * 1024;
const TMP_BYTES = 64 * MIB;

/** Devices that a server needs; no terminal, no disk. `--dev` is not used: its devpts costs a second user namespace. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'];

/** What dynamic linking and local time need of `/etc`. */
const ETC = ['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime', 'timezone', 'alternatives'];

/** What a tool with the network needs beside. Certificates only: private keys lie elsewhere under `/etc/ssl`. */
const NETWORK_ETC = [
  'hosts',
  'resolv.conf',
  'services',
  'protocols',
  'gai.conf',
  'ssl/certs',
  'ssl/openssl.cnf',
  'ssl/cert.pem',
  'ca-certificates',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/cert.pem',
  'pki/tls/openssl.cnf',
  'crypto-policies',
];

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Bind {
  readonly from: string;
  readonly to: string;
}

/** What makes one cage differ from another. */
export interface Cage {
  readonly user: User;
  readonly network: boolean;
  /** A tmpfs of so many bytes, or a directory of this machine. */
  readonly data: { readonly bytes: number } | { readonly directory: string };
  readonly socketDirectory: string;
  readonly sharedMemoryBytes: number;
  readonly readOnly: readonly Bind[];
}

/** Numbers of inherited descriptors from which bubblewrap reads and to which it writes. */
export const OPTIONS_FD = 3;
export const CAGE_FDS = { options: OPTIONS_FD, info: 4, passwd: 5, group: 6, nsswitch: 7 } as const;
export const LAST_CAGE_FD = 7;
/** Of the bubblewrap that wraps one process; beside the options. */
export const FILTER_FD = 4;

/**
 * The options of the bubblewrap that makes a cell. They go to it through a descriptor (`--args`), so they stand in
 * no process list.
 */
export function cageOptions(cage: Cage, system: readonly string[]): readonly string[] {
  const { uid, gid } = cage.user;
  const { open, close } = openings(cage.readOnly.map(({ to }) => to));
  return [
    '--unshare-all',
    ...(cage.network ? ['--share-net'] : []),
    // `--unshare-all` alone would go on without one.
    '--unshare-user',
    ...['--uid', `${uid}`, '--gid', `${gid}`],
    ...['--hostname', 'scratch'],
    '--die-with-parent',
    '--as-pid-1',
    '--clearenv',
    ...['--setenv', 'PATH', SEARCH_PATH],
    ...['--cap-drop', 'ALL'],
    ...['--info-fd', `${CAGE_FDS.info}`],
    ...system,
    ...['--file', `${CAGE_FDS.passwd}`, '/etc/passwd'],
    ...['--file', `${CAGE_FDS.group}`, '/etc/group'],
    ...['--file', `${CAGE_FDS.nsswitch}`, '/etc/nsswitch.conf'],
    ...ETC.flatMap(readOnlyEtc),
    ...(cage.network ? NETWORK_ETC.flatMap(readOnlyEtc) : []),
    ...['--proc', '/proc'],
    ...tmpfs('/dev', '0755', 64 * 1024),
    ...DEVICES.flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
    ...['--symlink', '/proc/self/fd', '/dev/fd'],
    ...['stdin', 'stdout', 'stderr'].flatMap((name, fd) => [
      '--symlink',
      `/proc/self/fd/${fd}`,
      `/dev/${name}`,
    ]),
    ...tmpfs('/dev/shm', '1777', cage.sharedMemoryBytes),
    ...tmpfs('/tmp', '1777', TMP_BYTES),
    ...['--dir', '/run', '--dir', '/var', '--symlink', '/tmp', '/var/tmp'],
    ...('bytes' in cage.data
      ? tmpfs(DATA_DIR, '0700', cage.data.bytes)
      : ['--bind', cage.data.directory, DATA_DIR]),
    ...['--bind', cage.socketDirectory, SOCKET_DIR],
    ...open,
    ...cage.readOnly.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...close,
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
  ];
}

/**
 * The options of the bubblewrap that wraps one process inside a cell: a user namespace of its own, so that the process
 * can neither trace nor read the one that ends the cell, and no further one where bubblewrap can forbid it (0.8).
 */
export function wrapOptions(
  user: User,
  env: Readonly<Record<string, string>>,
  { forbidNamespaces, filter }: { readonly forbidNamespaces: boolean; readonly filter: boolean },
): readonly string[] {
  return [
    '--unshare-user',
    ...(forbidNamespaces ? ['--disable-userns'] : []),
    ...(filter ? ['--seccomp', `${FILTER_FD}`] : []),
    ...['--uid', `${user.uid}`, '--gid', `${user.gid}`],
    '--die-with-parent',
    ...['--cap-drop', 'ALL'],
    '--clearenv',
    ...Object.entries({ PATH: SEARCH_PATH, HOME: '/tmp', ...env }).flatMap(([name, value]) => [
      '--setenv',
      name,
      value,
    ]),
    ...['--dev-bind', '/', '/'],
    ...['--chdir', '/'],
  ];
}

/** `/usr`, and the top directories that are links into it or, where `/usr` is not merged, real. */
export function systemOptions(): readonly string[] {
  return [
    ...['--ro-bind', '/usr', '/usr'],
    ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap((path) => {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return [];
      return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
    }),
  ];
}

/** For `--args`: each option ends with a NUL. */
export const encodeOptions = (options: readonly string[]): string =>
  options.map((one) => `${one}\0`).join('');

export function accounts({ uid, gid }: User): { passwd: string; group: string; nsswitch: string } {
  return {
    passwd: `postgres:x:${uid}:${gid}:postgres:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n`,
    group: `postgres:x:${gid}:\nnogroup:x:65534:\n`,
    nsswitch: 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
  };
}

/** bubblewrap's `--perms` and `--size` hold for the option that follows. */
const tmpfs = (path: string, mode: string, bytes: number): readonly string[] => [
  ...['--perms', mode],
  ...['--size', `${Math.max(4096, Math.floor(bytes))}`],
  ...['--tmpfs', path],
];

/** Links (`resolv.conf`, `localtime`) are followed, for they often lead to where a cell has nothing. */
function readOnlyEtc(name: string): readonly string[] {
  try {
    return ['--ro-bind', realpathSync(`/etc/${name}`), `/etc/${name}`];
  } catch {
    return [];
  }
}
