import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
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

/** The program of Docker Compose: the machine's own, else that of Debian 13, unpacked and kept; absent where neither is to be had. */
export function ensureCompose(): string | undefined {
  const own = PLUGINS.find((path) => existsSync(path));
  if (own !== undefined) return own;
  const folder = join(cacheDirectory, 'compose');
  const program = join(folder, 'root/usr/libexec/docker/cli-plugins/docker-compose');
  if (existsSync(program)) return program;
  const apt = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirror = apt.stdout?.toString().split('\n')[0];
  if (!mirror) return undefined;
  console.log('• Docker Compose: taking it from Debian 13, as this machine has none');
  const lists = join(folder, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  // apt gives its own user the work of downloading.
  for (const path of [folder, lists]) chmodSync(path, 0o755);
  writeFileSync(join(folder, 'sources.list'), `deb ${mirror} trixie main\n`);
  const options = [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${lists}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  const run = (command: string, ...args: readonly string[]): boolean =>
    spawnSync(command, args, { cwd: folder, stdio: 'ignore' }).status === 0;
  if (!run('apt-get', 'update', ...options) || !run('apt-get', 'download', ...options, 'docker-compose')) return undefined;
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
  return archive !== undefined && run('dpkg', '-x', archive, 'root') && existsSync(program) ? program : undefined;
}
