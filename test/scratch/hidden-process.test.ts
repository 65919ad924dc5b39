import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { formatWorker, thisWorker } from '../../packages/scratch/src/worker-identity.js';
import { ending } from '../support/ending.ts';
import { requirement } from '../support/requirement.ts';

const canHide = requirement('hidepid', process.getuid?.() === 0, 'needs root, to mount a /proc');

/** Its answer as another user, to whom /proc shows his own processes alone. */
async function answerOfSomebodyElse(identity: string): Promise<string> {
  const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
  // So that it can read this clone, wherever it lies.
  const reading = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search'];
  const at = (path: string): string => join(import.meta.dirname, path);
  const source = ['--conditions=muster-source', '--import', at('../support/resolve-source.mjs')];
  const command = [process.execPath, ...source, at('asks-whether-dead.ts'), identity];
  const script = 'mount -t proc -o hidepid=2 proc /proc && exec setpriv "$@"';
  const args = ['--mount', 'sh', '-c', script, 'sh', ...nobody, ...reading, ...command];
  const { stdout, stderr } = await ending(spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  if (stdout === '') throw new Error(stderr);
  return stdout;
}

describe.runIf(canHide)('a worker that /proc does not show', () => {
  const worker = spawn('sleep', ['60'], { stdio: 'ignore' });
  afterEach(() => {
    worker.kill('SIGKILL');
  });

  it('is not taken for dead while it lives', async () => {
    const stat = readFileSync(`/proc/${worker.pid}/stat`, 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const identity = formatWorker({ ...thisWorker(), pid: worker.pid ?? 0, startTime });
    expect(await answerOfSomebodyElse(identity)).toBe('not proven dead');
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
    expect(await answerOfSomebodyElse(identity)).toBe('dead');
  });
});
