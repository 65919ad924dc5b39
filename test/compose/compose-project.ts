import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { docker, dockerLines } from '../support/docker-cli.ts';
import { freePort } from '../support/free-port.ts';
import { dumpShop } from '../support/shop-dump.ts';
import { makeStandIns } from './stand-ins.ts';

/** docker-compose.yml of this repository, as a project of the test's own. */
export interface ComposeProject {
  /** A directory that is removed in the end. */
  readonly folder: string;
  readonly apiUrl: string;
  /** The one dump that it drills. */
  readonly dump: string;
  /** stdout of a command of Docker Compose. */
  compose(...args: readonly string[]): Promise<string>;
  /** stdout of a script for bash in {@link folder}, where `docker compose` is this project and `muster` the command. */
  sh(script: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** Ids of what Docker has of it. */
  containers(): Promise<readonly string[]>;
  volumes(): Promise<readonly string[]>;
  networks(): Promise<readonly string[]>;
  /** Removes all that is left, images and what building them cached too. */
  close(): Promise<void>;
}

export async function composeProject(program: string, configuration: string): Promise<ComposeProject> {
  const folder = await mkdtemp('/tmp/mst-compose-');
  // The name is one for Docker too.
  const name = basename(folder).toLowerCase();
  const config = join(folder, 'config');
  await mkdir(config);
  await writeFile(join(config, 'muster.yaml'), configuration);
  // Whoever runs in a container reads it, as somebody else than here.
  await chmod(folder, 0o755);
  const port = await freePort();
  const dump = join(folder, 'backups/shop_1.dump');
  await mkdir(join(folder, 'backups'));
  const [standIns] = await Promise.all([makeStandIns(name), dumpShop(dump)]);
  const image = `muster.test/muster:${name}`;
  const env = {
    ...process.env,
    ...standIns,
    MUSTER_IMAGE: image,
    MUSTER_CONFIG_DIR: config,
    MUSTER_BACKUPS: join(folder, 'backups'),
    MUSTER_API_PORT: String(port),
    MUSTER_DOCKER_SOCKET: process.env['DOCKER_HOST']?.replace('unix://', '') ?? '/var/run/docker.sock',
  };
  const cached = await buildCache();
  const files = ['docker-compose.yml', 'test/compose/compose.test.yml'];
  const options = ['--project-name', name, ...files.flatMap((file) => ['--file', file])];
  const compose: ComposeProject['compose'] = async (...args) =>
    (await promisify(execFile)(program, [...options, ...args], { env })).stdout.trim();
  const plugins = join(folder, 'docker/cli-plugins');
  await mkdir(plugins, { recursive: true });
  await symlink(program, join(plugins, 'docker-compose'));
  const sh: ComposeProject['sh'] = async (script, more = {}) => {
    const own = {
      PATH: `${resolve('node_modules/.bin')}:${process.env['PATH']}`,
      DOCKER_CONFIG: join(folder, 'docker'),
      COMPOSE_PROJECT_NAME: name,
      COMPOSE_FILE: files.map((file) => resolve(file)).join(':'),
    };
    const place = { cwd: folder, env: { ...env, ...own, ...more } };
    return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], place)).stdout.trim();
  };
  const label = `label=com.docker.compose.project=${name}`;
  return {
    folder,
    apiUrl: `http://127.0.0.1:${port}`,
    dump,
    compose,
    sh,
    containers: () => dockerLines('ps', '--all', '--quiet', '--filter', label),
    volumes: () => dockerLines('volume', 'ls', '--quiet', '--filter', label),
    networks: () => dockerLines('network', 'ls', '--quiet', '--filter', label),
    close: async () => {
      await compose('down', '--volumes', '--timeout', '5');
      await docker('rmi', '--force', image, ...Object.values(standIns));
      const built = (await buildCache()).filter((id) => !cached.includes(id));
      await docker('builder', 'prune', '--all', '--force', '--filter', `id=^(${built.join('|')})$`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ids of what the daemon keeps of builds. */
const buildCache = (): Promise<readonly string[]> =>
  dockerLines('system', 'df', '--verbose', '--format', '{{range .BuildCache}}{{println .ID}}{{end}}');
