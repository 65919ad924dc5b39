import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// Plain JavaScript for Node 20 and later: it runs before anything is installed.

/**
 * @typedef {object} Need
 * @property {string} name     What it is, for people.
 * @property {string} why      What it is needed for.
 * @property {() => boolean} isThere
 * @property {Readonly<Record<'apt' | 'dnf' | 'apk' | 'brew', string>>} packages  Names for each package manager.
 */

/** Looks on PATH and where daemons lie. */
export function hasCommand(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const postgresFolders = ['/usr/lib/postgresql', '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];

/** @type {Readonly<Record<string, Need>>} */
export const NEEDS = {
  bubblewrap: {
    name: 'bubblewrap',
    why: 'isolates a scratch server where there is no Docker',
    isThere: () => hasCommand('bwrap'),
    packages: { apt: 'bubblewrap', dnf: 'bubblewrap', apk: 'bubblewrap', brew: '' },
  },
  postgresql: {
    name: 'PostgreSQL server programs',
    why: 'what a backup is restored into where there is no image of it',
    isThere: () =>
      postgresFolders.some((folder) => existsSync(join(folder, 'initdb'))) ||
      (existsSync('/usr/lib/postgresql') &&
        readdirSync('/usr/lib/postgresql').some((major) =>
          existsSync(`/usr/lib/postgresql/${major}/bin/initdb`),
        )),
    packages: {
      apt: 'postgresql',
      dnf: 'postgresql-server postgresql-contrib',
      apk: 'postgresql postgresql-contrib',
      brew: 'postgresql',
    },
  },
  redis: {
    name: 'Redis server',
    why: 'the queue of the fleet that muster up brings up',
    isThere: () => hasCommand('redis-server'),
    packages: { apt: 'redis-server', dnf: 'redis', apk: 'redis', brew: 'redis' },
  },
  docker: {
    name: 'Docker daemon',
    why: 'isolates scratch servers in containers',
    isThere: () => hasCommand('dockerd') || dockerAnswers(),
    packages: { apt: 'docker.io iptables', dnf: 'moby-engine', apk: 'docker', brew: 'docker' },
  },
  debootstrap: {
    name: 'debootstrap',
    why: 'makes images of databases from Debian packages where no registry has them',
    isThere: () => hasCommand('debootstrap'),
    packages: { apt: 'debootstrap', dnf: 'debootstrap', apk: 'debootstrap', brew: '' },
  },
  busybox: {
    name: 'static BusyBox',
    why: 'the smallest image that a test can make',
    isThere: () => existsSync('/bin/busybox') || hasCommand('busybox.static'),
    packages: { apt: 'busybox-static', dnf: 'busybox', apk: 'busybox-static', brew: '' },
  },
  python: {
    name: 'Python with venv',
    why: 'runs schemathesis, which tries the API against its own document',
    isThere: () => spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0,
    packages: { apt: 'python3-venv', dnf: 'python3', apk: 'python3', brew: 'python' },
  },
  chromium: {
    name: 'Chromium',
    why: 'looks at the pages of the API, as their users do',
    isThere: () => hasCommand('chromium'),
    packages: { apt: 'chromium', dnf: 'chromium', apk: 'chromium', brew: 'chromium' },
  },
  auditor: {
    name: 'openssl and jq',
    why: "an auditor's tools, which the tests verify receipts with",
    isThere: () => hasCommand('openssl') && hasCommand('jq'),
    packages: { apt: 'openssl jq', dnf: 'openssl jq', apk: 'openssl jq', brew: 'openssl jq' },
  },
  curl: {
    name: 'curl',
    why: 'asks the API for a drill, as its users do',
    isThere: () => hasCommand('curl'),
    packages: { apt: 'curl', dnf: 'curl', apk: 'curl', brew: 'curl' },
  },
  systemd: {
    name: 'systemd',
    why: 'runs the units of deploy/systemd, in namespaces of its own',
    isThere: () => existsSync('/usr/lib/systemd/systemd') && hasCommand('systemd-analyze'),
    packages: { apt: 'systemd', dnf: 'systemd', apk: '', brew: '' },
  },
  pgbackrest: {
    name: 'pgBackRest',
    why: 'takes backup sets of a server of this machine, as its workers do',
    isThere: () => hasCommand('pgbackrest'),
    packages: { apt: 'pgbackrest', dnf: 'pgbackrest', apk: 'pgbackrest', brew: 'pgbackrest' },
  },
  zstd: {
    name: 'zstd',
    why: 'compresses dumps for the tests',
    isThere: () => hasCommand('zstd'),
    packages: { apt: 'zstd', dnf: 'zstd', apk: 'zstd', brew: 'zstd' },
  },
};

/** True if a Docker daemon answers on DOCKER_HOST or the default socket. */
export function dockerAnswers(env = process.env) {
  return (
    hasCommand('docker') &&
    spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
      env,
      timeout: 5000,
      stdio: 'ignore',
    }).status === 0
  );
}

/**
 * Installs what is missing, having said what and why.
 * `MUSTER_NO_INSTALL=1`, or a machine where it cannot (no root, no apt), lists it instead.
 * @param {readonly Need[]} needs
 * @returns {boolean} whether all of them are there now.
 */
export function ensureSystemPackages(needs) {
  const missing = needs.filter((need) => !need.isThere());
  if (missing.length === 0) return true;
  const width = Math.max(...missing.map((need) => need.name.length));
  const manager =
    ['apt', 'dnf', 'apk', 'brew'].find((name) => hasCommand(name === 'apt' ? 'apt-get' : name)) ?? 'apt';
  const packages = missing
    .map((need) => need.packages[manager])
    .filter((name) => name !== '')
    .join(' ');
  const command = {
    apt: 'apt-get install --no-install-recommends',
    dnf: 'dnf install',
    apk: 'apk add',
    brew: 'brew install',
  }[manager];
  const list = missing.map((need) => `    ${need.name.padEnd(width)}  ${need.why}`).join('\n');
  const forbidden = process.env.MUSTER_NO_INSTALL === '1';
  if (forbidden || manager !== 'apt' || process.getuid?.() !== 0) {
    const because = forbidden ? 'MUSTER_NO_INSTALL=1 is set' : 'that needs your administrator';
    console.error(
      `• missing system packages (not installed: ${because}):\n${list}\n  Install them with:\n    ${command} ${packages}`,
    );
    return false;
  }
  console.log(`• system packages that will be installed:\n${list}\n    ${command} ${packages}`);
  aptInstall(packages.split(' '));
  return needs.every((need) => need.isThere());
}

function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  // Only the programs are wanted: Debian would make and start a database cluster of its own.
  if (!existsSync('/etc/postgresql-common/createcluster.conf')) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync('/etc/postgresql-common/createcluster.conf', 'create_main_cluster = false\n');
  }
  spawnSync('apt-get', ['update', '-qq'], quiet);
  spawnSync(
    'apt-get',
    [
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
      '-o',
      'Dpkg::Options::=--force-confold',
      '-o',
      'Dpkg::Use-Pty=0',
      ...packages,
    ],
    quiet,
  );
}
