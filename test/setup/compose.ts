import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from './docker-daemon.ts';

/** Where distributions and people put it; it runs by itself too. */
const PLUGINS = [
  join(homedir(), '.docker/cli-plugins'),
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
].map((folder) => join(folder, 'docker-compose'));

const folder = join(cacheDirectory, 'compose');
const unpacked = join(folder, 'root/usr/libexec/docker/cli-plugins/docker-compose');

/** The program of Docker Compose 2, where there is one. */
export const findCompose = (): string | undefined => [...PLUGINS, unpacked].find((path) => existsSync(path));

/** The machine's own, else that of Debian 13, unpacked and kept; absent where neither is to be had. */
export function ensureCompose(): string | undefined {
  const found = findCompose();
  if (found !== undefined) return found;
  const mirror = mirrorOfDebian();
  if (mirror === undefined) return undefined;
  console.log('• Docker Compose: this machine has none, taking that of Debian 13');
  const lists = join(folder, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), `deb ${mirror} trixie main\n`);
  const options = [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${lists}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    // Its own user could not write here.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  const run = (command: string, ...args: readonly string[]): boolean =>
    spawnSync(command, args, { cwd: folder, stdio: 'ignore' }).status === 0;
  if (!run('apt-get', ...options, 'update') || !run('apt-get', ...options, 'download', 'docker-compose'))
    return undefined;
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
  return archive !== undefined && run('dpkg', '-x', archive, 'root') ? findCompose() : undefined;
}

/** The one that this machine has its own release from: not that of updates or of security. */
function mirrorOfDebian(): string | undefined {
  const format = ['--format', '$(REPO_URI) $(CODENAME)', 'Created-By: Packages'];
  const listed = spawnSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' });
  return /^(\S+) [a-z]+$/m.exec(listed.stdout ?? '')?.[1];
}
