import { spawnSync } from 'node:child_process';
import { build, ensureNpmPackages, node24, root } from '../../deploy/setup/npm-packages.mjs';
import { dockerAnswers, ensureSystemPackages, NEEDS } from '../../deploy/setup/system-packages.mjs';

// `npm run bench`: installs what is missing, then measures. `npm run bench -- --runs 7` for more runs.

ensureNpmPackages();
const { bubblewrap, postgresql, redis, docker, debootstrap } = NEEDS;
ensureSystemPackages([bubblewrap, postgresql, redis, ...(dockerAnswers() ? [] : [docker, debootstrap])]);
build();
const { status } = spawnSync(node24, ['test/bench/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 2);
