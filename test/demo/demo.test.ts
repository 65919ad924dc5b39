import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, ending } from '../support/ending.ts';
import { eventually } from '../support/eventually.ts';
import { hostProcesses } from '../support/host-processes.ts';
import { canRunIn, canRunMongo } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

describe.runIf(canRunIn('bubblewrap'))('the demonstration', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-demo-'));
    for (const name of ['packages', 'deploy']) await symlink(join(process.cwd(), name), join(folder, name));
    // Backups that are there already, whatever is in them.
    for (const name of ['shop', 'shop-damaged']) {
      await mkdir(join(folder, '.muster/demo/backups', name), { recursive: true });
      await writeFile(join(folder, '.muster/demo/backups', name, 'shop.sql'), plainDump('SELECT 1;'));
    }
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const demonstrate = (env: NodeJS.ProcessEnv, onOutput: (text: string) => void): Promise<Ended> => {
    const child = spawn(process.execPath, ['deploy/demo/main.ts', '--once'], {
      cwd: folder,
      env: { ...process.env, DOCKER_HOST: 'unix:///nowhere', NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (piece) => onOutput(String(piece)));
    return ending(child);
  };

  it.runIf(canRunMongo('bubblewrap'))('drills the documents too, where there is a MongoDB', async () => {
    const { stdout } = await demonstrate({}, () => {});
    expect(stdout).toMatch(/--source shop-documents --watch\n✔ pass/);
  });

  it('whose fleet does not start says why, without a stack', async () => {
    const { exitCode, stdout, stderr } = await demonstrate({ PATH: '/bin/none' }, () => {});
    expect(stdout).toContain('The fleet ended by itself. The end of its log:');
    expect(`${stdout}${stderr}`).not.toMatch(/^\s+at /m);
    expect(exitCode).toBe(2);
  });

  it('whose fleet dies says so, and ends, without a stack', async () => {
    const { exitCode, stdout, stderr } = await demonstrate({}, (text) => {
      if (!text.includes('drill enqueue')) return;
      const up = hostProcesses(`${folder}/packages/cli/bin/muster.mjs\0up`);
      for (const pid of up) process.kill(pid, 'SIGKILL');
    });
    expect(stdout).toContain('The fleet ended by itself. The end of its log:');
    expect(`${stdout}${stderr}`).not.toMatch(/^\s+at /m);
    expect(exitCode).toBe(2);
    // The worker has seen that whoever started it is gone, and closes what it has.
    await eventually('nothing of it is left', () => hostProcesses(folder).length === 0, 30_000);
  });
});
