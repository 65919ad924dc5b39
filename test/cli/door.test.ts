import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { hostProcesses } from '../support/host-processes.ts';

/** The door alone, in an installation of its own: its `main.js` tells how it was called, and then waits if it is to. */
const MAIN = `
process.exitCode = 6;
if (process.argv.includes('wait')) {
  const stay = setInterval(() => {}, 1000);
  process.on('disconnect', () => { clearInterval(stay); });
  process.on('SIGTERM', () => { process.exit(2); });
}
if (process.argv.includes('start')) {
  process.stdout.write('begun');
  await new Promise(() => setInterval(() => {}, 1000));
}
console.log(JSON.stringify({ args: process.argv.slice(2), node: process.execPath }));
`;
/** What an old Node says of itself. */
const OLD = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })`;

let home: string;
let door: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-door-'));
  door = join(home, 'cli/bin/muster.mjs');
  await mkdir(join(home, 'cli/bin'), { recursive: true });
  await mkdir(join(home, 'cli/dist'));
  await writeFile(join(home, 'cli/package.json'), '{ "type": "module" }');
  await writeFile(join(home, 'cli/dist/main.js'), MAIN);
  await copyFile('packages/cli/bin/muster.mjs', door);
});
afterEach(() => rm(home, { recursive: true }));

it('a new Node goes straight in', async () => {
  const { exitCode, stdout } = await ending(start([door, 'drill', 'list']));
  expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
    exitCode: 6,
    args: ['drill', 'list'],
    node: process.execPath,
  });
});

describe('what Node compiled of it is kept', () => {
  it('where nobody else may write, whatever the umask', async () => {
    await ending(start(['--import', 'data:text/javascript,process.umask(0)', door]));
    expect((await stat(join(home, 'cli/dist/.compiled'))).mode & 0o777).toBe(0o755);
    expect(await readdir(join(home, 'cli/dist/.compiled'))).toHaveLength(1);
  });

  it('nowhere else', async () => {
    await mkdir(join(home, 'cli/dist/.compiled'));
    await chmod(join(home, 'cli/dist/.compiled'), 0o777);
    expect(await ending(start([door]))).toMatchObject({ exitCode: 6 });
    expect(await readdir(join(home, 'cli/dist/.compiled'))).toEqual([]);
  });
});

it('an old Node hands over to the one installed beside Muster', async () => {
  const installed = await installNode();
  const { exitCode, stdout } = await ending(start(['--import', OLD, door, 'verify', 'a b']));
  expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
    exitCode: 6,
    args: ['verify', 'a b'],
    node: installed,
  });
});

it('an old Node alone says what is needed', async () => {
  expect(await ending(start(['--import', OLD, door, 'drill', 'list']))).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(/^muster: this is Node 20\.1\.0, and Muster needs Node 22 or newer; .*\n$/),
  });
});

it('what is not built yet says so', async () => {
  await rm(join(home, 'cli/dist'), { recursive: true });
  expect(await ending(start([door]))).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('npm run build'),
  });
});

it('a signal reaches the Node that took over, and its exit code comes back', async () => {
  await installNode();
  const child = start(['--import', OLD, door, 'wait']);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  child.kill('SIGTERM');
  expect(await ending(child)).toMatchObject({ exitCode: 2 });
});

it('as the first process of a container it ends by SIGTERM while it starts, too', async () => {
  const command = ['--user', '--map-root-user', '--pid', '--fork', process.execPath, door, 'start'];
  const child = spawn('unshare', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = ending(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const [first] = hostProcesses(door).filter((pid) => pid !== child.pid);
  process.kill(first ?? 0, 'SIGTERM');
  expect(await ended).toMatchObject({ exitCode: 143 });
});

it('the Node that took over learns when the first one is killed', async () => {
  await installNode();
  const child = start(['--import', OLD, door, 'wait']);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  // Both hold stdout: it closes when the last of them is gone.
  let open = true;
  child.stdout?.once('close', () => {
    open = false;
  });
  child.kill('SIGKILL');
  await eventually('the second process ended', () => !open);
});

async function installNode(): Promise<string> {
  const bin = join(home, 'node_modules/node/bin');
  await mkdir(bin, { recursive: true });
  // A link keeps the test quick; a process tells its binary by its real path.
  await symlink(process.execPath, join(bin, 'node'));
  return process.execPath;
}

const start = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });

function ending(child: ChildProcess): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (piece) => {
    text.stdout += piece;
  });
  child.stderr?.on('data', (piece) => {
    text.stderr += piece;
  });
  return new Promise((resolve) => child.on('close', (exitCode) => resolve({ exitCode, ...text })));
}
