import { spawnSync } from 'node:child_process';
import { build, ensureNpmPackages, node24, root } from '../setup/npm-packages.mjs';
import { dockerAnswers, ensureSystemPackages, NEEDS } from '../setup/system-packages.mjs';

// `npm start`: installs what is missing, then shows Muster at work on a database of its own.

ensureNpmPackages();
// Docker serves only where it answers; what always works is the host's own PostgreSQL in bubblewrap.
const complete = ensureSystemPackages([NEEDS.bubblewrap, NEEDS.postgresql, NEEDS.redis]);
if (!complete && !(dockerAnswers() && NEEDS.redis.isThere())) process.exit(2);
build();
const { status } = spawnSync(node24, ['deploy/demo/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 2);
