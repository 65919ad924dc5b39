import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory, type Daemon } from './docker-daemon.ts';

const SOURCE = 'test/setup/mongod';
const TAG = 'muster.test/mongo:8';
const LABEL = 'muster.test.made-from';

/** Under /usr, which is all that a cage of bubblewrap shows of this machine. */
const HOST_FOLDER = '/usr/local/lib/muster-test-mongo';
const HOST_LINK = '/usr/local/bin/mongod';
const HOST_PARTS = ['./usr/bin/mongod', './usr/lib', './usr/lib64', './usr/share/postgresql'];

/**
 * The stand-in for MongoDB: an image, and the same for bubblewrap in a folder of this machine. What cannot be made is
 * absent.
 */
export async function ensureMongo(docker: Daemon | undefined): Promise<void> {
  const key = keyOf(SOURCE);
  const tar = join(cacheDirectory, `mongo-${key}.tar`);
  const image = docker !== undefined && !hasImage(docker, key);
  const folder = isRoot() && !existsSync(join(HOST_FOLDER, key));
  if (!image && !folder) return;
  if (!existsSync(tar) && !(await build(tar))) {
    console.log(`• image ${TAG}: could not be made`);
    return;
  }
  await Promise.all([image && importImage(docker, tar, key), folder && unpack(tar, key)]);
}

/**
 * Puts the stand-in on the PATH that bubblewrap's cages have, where there is no `mongod` already.
 * @returns takes it away again.
 */
export function linkMongod(): () => void {
  const target = join(HOST_FOLDER, 'usr/bin/mongod');
  const taken = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'].some(
    (folder) => lstatSync(join(folder, 'mongod'), { throwIfNoEntry: false }) !== undefined,
  );
  if (!isRoot() || taken || !existsSync(target)) return () => {};
  symlinkSync(target, HOST_LINK);
  return () => {
    if (readlinkSync(HOST_LINK) === target) rmSync(HOST_LINK);
  };
}

/** Of what it is made from, so that a change makes it anew. */
function keyOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 12);
}

async function build(tar: string): Promise<boolean> {
  if (!isRoot() || spawnSync('go', ['version']).status !== 0) return false;
  console.log(`• image ${TAG}: making it from FerretDB and Debian packages, some minutes the first time`);
  const folder = dirname(tar);
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) if (/^mongo-.*\.tar/.test(old)) rmSync(join(folder, old));
  return await succeeds('sh', [join(SOURCE, 'build.sh'), tar]);
}

function hasImage(docker: Daemon, key: string): boolean {
  const format = `{{index .Config.Labels "${LABEL}"}}`;
  const args = ['--host', docker.host, 'image', 'inspect', '--format', format, TAG];
  return spawnSync('docker', args, { encoding: 'utf8' }).stdout?.trim() === key;
}

function importImage(docker: Daemon, tar: string, key: string): Promise<boolean> {
  const path = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const changes = ['--change', path, '--change', `LABEL ${LABEL}=${key}`];
  return succeeds('docker', ['--host', docker.host, 'import', ...changes, tar, TAG]);
}

async function unpack(tar: string, key: string): Promise<void> {
  const part = `${HOST_FOLDER}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  if (!(await succeeds('tar', ['-x', '-C', part, '-f', tar, ...HOST_PARTS]))) return;
  mkdirSync(join(part, key));
  rmSync(HOST_FOLDER, { recursive: true, force: true });
  renameSync(part, HOST_FOLDER);
}

const isRoot = (): boolean => process.getuid?.() === 0;

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
