import type { Bind } from './cage-options.js';

/** Whom a cell belongs to when Muster runs as root: `nobody`, as the kernel and every distribution number it. */
export const NOBODY = 65534;

export interface Outer {
  readonly asRoot: boolean;
  /** `cgroup.procs` files that the process writes itself into before it does anything else. */
  readonly cgroupProcs: readonly string[];
  /** As root only, see {@link stagePoint}. */
  readonly stage?: { readonly directory: string; readonly binds: readonly Bind[] };
}

/**
 * The steps before a helper, in a shell that ends by becoming it: so there is no moment in which the helper runs
 * outside its control group or with privileges, and the process that was spawned is the helper. First, what the worker
 * itself was started with (a supervisor's log, a listening socket) and every child of it inherits is closed: only bash
 * can close descriptors above 9.
 */
const STEPS = `set -e
last=$1; shift
for fd in /proc/self/fd/*; do
  fd=\${fd##*/}
  if [ "$fd" -gt "$last" ]; then eval "exec $fd>&-"; fi
done
while [ "$1" != -- ]; do
  case $1 in
    cgroup) echo $$ > "$2"; shift 2 ;;
    stage) mount -t tmpfs -o mode=0711,size=1m muster "$2"; shift 2 ;;
    bind)
      if [ -d "$2" ]; then mkdir "$3"; else : > "$3"; fi
      mount --rbind "$2" "$3"
      shift 3 ;;
  esac
done
shift
# The kernel, when short of memory, is to take a scratch before anything else.
echo 900 > /proc/self/oom_score_adj || :
exec "$@"`;

/**
 * What to spawn so that `command` runs outside of any cell, but bounded and as an unprivileged user.
 * It inherits descriptors up to `lastFd`.
 */
export function outerCommand(
  outer: Outer,
  lastFd: number,
  command: readonly string[],
): readonly [string, ...string[]] {
  const steps = [
    ...outer.cgroupProcs.flatMap((path) => ['cgroup', path]),
    ...(outer.stage === undefined ? [] : ['stage', outer.stage.directory]),
    ...(outer.stage?.binds ?? []).flatMap(({ from, to }) => ['bind', from, to]),
  ];
  const drop = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
  const shell = [
    // Its stdin is a socket, which bash takes for a remote shell: it would read the user's .bashrc.
    '--norc',
    '-c',
    STEPS,
    'muster',
    `${lastFd}`,
    ...steps,
    '--',
    ...(outer.asRoot ? drop : []),
    ...command,
  ];
  if (outer.stage === undefined) return ['bash', ...shell];
  return ['unshare', '--mount', '--propagation', 'private', '--', 'bash', ...shell];
}

/**
 * A directory to hide under a tmpfs, in a mount namespace that only bubblewrap's start sees: what root has in places
 * that `nobody` cannot walk to (`/root`, a runtime directory of 0700) is bound there, and bubblewrap takes it from there.
 * It may hold none of the sources itself.
 */
export function stagePoint(
  sources: readonly string[],
  exists: (path: string) => boolean,
): string | undefined {
  return ['/media', '/mnt', '/srv', '/opt', '/home', '/tmp'].find(
    (point) => exists(point) && !sources.some((path) => path === point || path.startsWith(`${point}/`)),
  );
}
