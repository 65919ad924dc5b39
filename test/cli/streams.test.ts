import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const COMMAND = join(process.cwd(), 'node_modules/.bin/muster');
const FULL = '/dev/full';

it('a result that cannot be written is no success', () => {
  const ran = spawnSync(COMMAND, ['config', 'schema'], { stdio: ['ignore', openSync(FULL, 'w'), 'pipe'] });
  expect(ran.status).toBe(2);
  expect(`${ran.stderr}`).toBe('muster: The result could not be written to stdout (ENOSPC).\n');
});

it('notes that cannot be written change no exit code', () => {
  const ran = spawnSync(COMMAND, ['config', 'nonsense'], {
    stdio: ['ignore', 'pipe', openSync(FULL, 'w')],
  });
  expect(ran.status).toBe(64);
});

it('what a library says is no part of a result', () => {
  const library = 'data:text/javascript,process.on("exit", () => console.info("it says so"))';
  const args = [`--import=${library}`, COMMAND, 'config', 'schema'];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(JSON.parse(ran.stdout)).toHaveProperty('$schema');
  expect(ran.stderr).toBe('it says so\n');
});

it('what nobody foresaw does not end like a backup that failed', () => {
  const bug = 'data:text/javascript,setTimeout(() => { throw new Error("postgres://u:secret@h") })';
  const ran = spawnSync(process.execPath, [`--import=${bug}`, COMMAND, 'doctor'], { encoding: 'utf8' });
  expect(ran.status).toBe(2);
  expect(ran.stderr).toMatch(/^muster: Muster itself failed/m);
  expect(ran.stderr).not.toContain('secret');
});

it('a current directory that is gone is said so', () => {
  const gone = mkdtempSync(join(tmpdir(), 'muster-gone-'));
  const script = 'cd "$1" && rmdir "$1" && exec "$2" config check';
  const ran = spawnSync('sh', ['-c', script, 'sh', gone, COMMAND], { encoding: 'utf8' });
  expect(ran).toMatchObject({
    status: 64,
    stderr: 'muster: The current directory is gone: change to one that is there.\n',
  });
  expect(() => rmdirSync(gone)).toThrow('ENOENT');
});
