import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { docker } from '../support/docker-cli.ts';
import { findProgram } from '../support/find-program.ts';
import { IMAGES } from '../support/images.ts';

/** What docker-compose.yml takes from a registry, as variables of it, made from what this machine has. */
export interface StandIns {
  readonly MUSTER_NODE_IMAGE: string;
  readonly MUSTER_TREE: string;
  readonly MUSTER_REDIS_IMAGE: string;
  readonly MUSTER_POSTGRES_IMAGE: string;
  readonly MUSTER_S3_IMAGE: string;
}

/** @param tag of the images, so that tests beside each other have their own. */
export async function makeStandIns(tag: string): Promise<StandIns> {
  const image = (name: string): string => `muster.test/${name}:${tag}`;
  const scratch = mkdtempSync('/tmp/mst-images-');
  try {
    const redis = rootOf(join(scratch, 'redis'), ['redis-server', 'redis-cli']);
    writeFileSync(join(redis, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nredis:x:999:999::/data:/bin/sh\n');
    writeFileSync(join(redis, 'etc/group'), 'root:x:0:\nredis:x:999:\n');
    importRoot(redis, image('redis'), ['--owner=999', '--group=999']);
    importRoot(rootOf(join(scratch, 's3'), ['versitygw']), image('s3'));
    importTree(join(scratch, 'tree'), image('tree'));
    await committed(image('node'), 'cp /in/node /usr/local/bin/', { '/in/node': process.execPath });
    const entrypoint = join(import.meta.dirname, 'postgres-entrypoint.sh');
    await committed(
      image('index'),
      'install -m 755 /in/e /entrypoint.sh; install -d -o postgres -m 700 /var/lib/postgresql/data; ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/',
      { '/in/e': entrypoint },
      'ENTRYPOINT ["/entrypoint.sh"]',
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return {
    MUSTER_NODE_IMAGE: image('node'),
    MUSTER_TREE: image('tree'),
    MUSTER_REDIS_IMAGE: image('redis'),
    MUSTER_POSTGRES_IMAGE: image('index'),
    MUSTER_S3_IMAGE: image('s3'),
  };
}

/** A system of a static BusyBox, some programs of this machine, and the libraries that those need. */
function rootOf(root: string, programs: readonly string[]): string {
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'data'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(programAt('busybox'), join(root, 'bin/busybox'));
  for (const applet of ['sh', 'cat', 'grep', 'mkdir', 'wget'])
    symlinkSync('busybox', join(root, 'bin', applet));
  for (const program of programs.map(programAt)) {
    copyFileSync(program, join(root, 'bin', basename(program)));
    for (const library of librariesOf(program)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      copyFileSync(library, join(root, library));
    }
  }
  return root;
}

const programAt = (name: string): string => {
  const path = (name === 'versitygw' && process.env['MUSTER_TEST_VERSITYGW']) || findProgram(name);
  if (path) return path;
  throw new Error(`there is no ${name} here`);
};

/** Absolute; none for a static program. */
const librariesOf = (program: string): readonly string[] =>
  [...spawnSync('ldd', [program], { encoding: 'utf8' }).stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(
    ([, path]) => path ?? [],
  );

function importRoot(
  root: string,
  tag: string,
  options: readonly string[] = ['--owner=0', '--group=0'],
): void {
  const tar = ['tar', '-C', root, ...options, '-c', '.'].join(' ');
  execFileSync('sh', ['-c', `${tar} | docker import -c 'ENV PATH=/bin' - ${tag}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** What the stage `build` of the Dockerfile makes, of the packages that are installed here. */
function importTree(scratch: string, tag: string): void {
  const tree = join(scratch, 'opt/muster');
  const sources = ['package-lock.json', 'package.json', 'tsconfig.json', 'tsconfig.base.json', '.npmrc'];
  const copy = [
    `mkdir -p ${tree}/deploy && cp -a ${sources.join(' ')} packages ${tree}/ && cp -a deploy/image ${tree}/deploy/`,
    // Links where they can be: npm takes files away, and writes into just one.
    `cp -al node_modules ${tree}/ 2>/dev/null || cp -a node_modules ${tree}/`,
    `rm ${tree}/node_modules/.package-lock.json && cp -a node_modules/.package-lock.json ${tree}/node_modules/`,
    `cd ${tree} && sh deploy/image/make-tree.sh`,
  ];
  execFileSync('sh', ['-euc', copy.join('\n')], { stdio: ['ignore', 'ignore', 'inherit'] });
  importRoot(scratch, tag);
}

/** An image that is the one of PostgreSQL after a script; files of this machine lie where they are named. */
async function committed(
  tag: string,
  script: string,
  files: Readonly<Record<string, string>>,
  change = 'CMD []',
): Promise<void> {
  const mounts = Object.entries(files).flatMap(([inside, path]) => ['--volume', `${path}:${inside}:ro`]);
  const container = await docker('create', '--network', 'none', ...mounts, IMAGES[15], 'sh', '-euc', script);
  try {
    await docker('start', '--attach', container);
    await docker('commit', '--change', change, container, tag);
  } finally {
    await docker('rm', '--force', container);
  }
}
