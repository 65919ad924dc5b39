import { spawnSync } from 'node:child_process';
import { build, ensureNpmPackages, node24, root } from '../deploy/setup/npm-packages.mjs';
import { dockerAnswers, ensureSystemPackages, NEEDS } from '../deploy/setup/system-packages.mjs';

// `npm test`: installs what is missing, then runs every test. Arguments go to vitest: `npm test -- test/scratch`.

ensureNpmPackages();
const { docker, ...others } = NEEDS;
// What stays missing shows as tests skipped by name, or failed where MUSTER_TEST_REQUIRE asks for them.
ensureSystemPackages([...Object.values(others), ...(dockerAnswers() ? [] : [docker])]);
build();
const { status } = spawnSync(node24, ['test/setup/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 2);
