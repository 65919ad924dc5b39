import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMusterError } from '@muster/core';
import { createBubblewrapHost } from './bubblewrap-host.js';
import { bubblewrapOptions, missingTools } from './tools.js';

export type Detected =
  | { readonly available: true }
  | {
      readonly available: false;
      /** What is wrong on this machine. */
      readonly why: string;
      /** What to install or to switch on. */
      readonly remedy: string;
    };

/** `--perms` and `--size` are what bubblewrap 0.6 brought. */
const NEEDED_OPTIONS = [
  '--args',
  '--as-pid-1',
  '--clearenv',
  '--die-with-parent',
  '--info-fd',
  '--perms',
  '--size',
];

/**
 * Whether scratches can be isolated by bubblewrap here. Tells by making one and running a process in it, for no list of
 * settings is complete. @throws `cancelled`
 */
export async function detectBubblewrap(signal: AbortSignal): Promise<Detected> {
  if (process.platform !== 'linux') {
    return unavailable('bubblewrap exists only on Linux', 'use Docker');
  }
  const missing = missingTools(process.getuid?.() === 0);
  if (missing.length > 0) {
    return unavailable(
      `${missing.join(', ')} cannot be found`,
      'install the packages bubblewrap, util-linux and bash (apt-get install bubblewrap util-linux bash)',
    );
  }
  const known = await bubblewrapOptions();
  if (!NEEDED_OPTIONS.every((option) => known.has(option))) {
    return unavailable('this bubblewrap is too old', 'install bubblewrap 0.6 or newer, or use Docker');
  }
  const directory = await mkdtemp(join(tmpdir(), 'muster-'));
  try {
    const host = createBubblewrapHost({ runtimeDir: join(directory, 'r'), stateDir: join(directory, 's') });
    await host.prepare({ image: '', probe: 'true' }, signal);
    return { available: true };
  } catch (error) {
    if (!isMusterError(error) || error.code === 'cancelled') throw error;
    return (
      (await whyNoNamespaces()) ?? unavailable('bubblewrap cannot make a cell here', lastLine(error.output))
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The settings by which distributions forbid user namespaces, and a container's own walls. */
async function whyNoNamespaces(): Promise<Detected | undefined> {
  if ((await setting('kernel/unprivileged_userns_clone')) === '0') {
    return unavailable(
      'unprivileged user namespaces are switched off',
      'run: sysctl -w kernel.unprivileged_userns_clone=1',
    );
  }
  if ((await setting('user/max_user_namespaces')) === '0') {
    return unavailable('user namespaces are switched off', 'run: sysctl -w user.max_user_namespaces=15000');
  }
  if ((await setting('kernel/apparmor_restrict_unprivileged_userns')) === '1') {
    return unavailable(
      'AppArmor forbids unprivileged user namespaces to bubblewrap',
      'install the profile bwrap-userns-restrict (apt-get install apparmor-profiles), or run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    );
  }
  const inContainer = /docker|containerd|kubepods|libpod/.test(
    await readFile('/proc/1/cgroup', 'utf8').catch(() => ''),
  );
  return inContainer
    ? unavailable(
        'this container is not allowed to make namespaces',
        'use Docker, or run Muster outside a container',
      )
    : undefined;
}

const setting = async (name: string): Promise<string | undefined> =>
  (await readFile(`/proc/sys/${name}`, 'utf8').catch(() => undefined))?.trim();

const unavailable = (why: string, remedy: string): Detected => ({ available: false, why, remedy });

/** What bubblewrap itself said: it knows better than we do. */
const lastLine = (output: string | undefined): string =>
  `use Docker; bubblewrap said: ${output?.trim().split('\n').at(-1) || 'nothing'}`;
