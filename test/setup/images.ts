import { spawn } from 'node:child_process';
import type { Daemon } from './docker-daemon.ts';

/** The images of the tests, under names of their own; each has a Debian release with that major version. */
const IMAGES = [
  { major: '15', suite: 'bookworm' },
  { major: '17', suite: 'trixie' },
] as const;

/** Adds pgBackRest to the official images where a registry answers; else makes stand-ins from Debian packages. */
export async function ensureImages(docker: Daemon): Promise<void> {
  const env = { ...process.env, DOCKER_HOST: docker.host };
  await Promise.all(
    IMAGES.map(async ({ major, suite }) => {
      const tag = `muster.test/postgres:${major}`;
      // One that was made before pgBackRest belonged to it is made anew.
      const whole = ['run', '--rm', '--network=none', '--entrypoint=pgbackrest', tag, 'version'];
      if (await succeeds('docker', whole, env)) return;
      if (await succeeds('docker', ['pull', '--quiet', `postgres:${major}`], env)) {
        const build = ['build', '--quiet', `--build-arg=MAJOR=${major}`, `--tag=${tag}`, 'deploy/pgbackrest'];
        if (await succeeds('docker', build, env, 'inherit')) return;
      }
      console.log(`• image ${tag}: no registry answers, making it from Debian packages`);
      const script = 'deploy/scratch-images/build-postgres.sh';
      if (!(await succeeds('sh', [script, major, suite, tag], env, 'inherit')))
        console.log(`• image ${tag}: could not be made`);
    }),
  );
}

function succeeds(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stderr: 'ignore' | 'inherit' = 'ignore',
): Promise<boolean> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', stderr] });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
