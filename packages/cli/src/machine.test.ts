import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { someEnvironment } from './environment.fixture.js';
import { installCommands, platformOf } from './install-advice.js';
import { findKept, type KeptEntry, registerKept } from './kept-register.js';
import { openOutputLog } from './output-log.js';
import { runtimeDirectory, stateDirectory } from './places.js';
import { resolveSecret } from './resolve-secret.js';

const root = mkdtempSync(join(tmpdir(), 'muster-machine-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
let state = '';
beforeEach(() => {
  count += 1;
  state = join(root, `state-${count}`);
});
const now = new Date('2026-11-20T12:00:00Z');

describe('places', () => {
  it('state is where the variable says, else where the machine keeps state', () => {
    expect(stateDirectory(someEnvironment({ env: { MUSTER_STATE_DIR: 's' }, uid: 0 }))).toBe('/nowhere/s');
    expect(stateDirectory(someEnvironment({ uid: 0 }))).toBe('/var/lib/muster');
    expect(stateDirectory(someEnvironment({ env: { XDG_STATE_HOME: '/x' } }))).toBe('/x/muster');
    expect(stateDirectory(someEnvironment())).toBe('/nowhere/.local/state/muster');
  });
  it('sockets lie where their paths stay short', () => {
    expect(runtimeDirectory(someEnvironment({ uid: 0 }))).toBe('/run/muster');
    expect(runtimeDirectory(someEnvironment({ env: { XDG_RUNTIME_DIR: '/run/user/1000' } }))).toBe(
      '/run/user/1000/muster',
    );
    expect(runtimeDirectory(someEnvironment({ env: { XDG_RUNTIME_DIR: `/${'x'.repeat(60)}` } }))).toBe(
      '/tmp/muster-1000',
    );
  });
});

describe('a secret', () => {
  it('is what the variable or the file holds, without the line end', async () => {
    const path = join(root, 'secret');
    writeFileSync(path, 'hunter2\n');
    expect(await resolveSecret({ kind: 'env', name: 'A' }, { A: 'hunter2' })).toBe('hunter2');
    expect(await resolveSecret({ kind: 'file', path }, {})).toBe('hunter2');
  });
  it.each([
    [{ kind: 'env', name: 'A' }, 'env:A'],
    [{ kind: 'file', path: join(root, 'absent') }, 'there is no such file'],
    [{ kind: 'file', path: root }, 'it is no regular file'],
    [{ kind: 'file', path: '/dev/zero' }, 'it is no regular file'],
  ] as const)('that cannot be had is named, never shown: %o', async (ref, said) => {
    await expect(resolveSecret(ref, { B: 'hunter2' })).rejects.toMatchObject({
      code: 'secret_unavailable',
      message: expect.stringContaining(said),
    });
  });
  it('is not waited for where it is a pipe', async () => {
    const path = join(root, 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(resolveSecret({ kind: 'file', path }, {})).rejects.toMatchObject({
      code: 'secret_unavailable',
    });
  });
  it('may not be empty', async () => {
    await expect(resolveSecret({ kind: 'env', name: 'A' }, { A: '' })).rejects.toMatchObject({
      code: 'secret_unavailable',
    });
  });
});

describe('diagnosis files', () => {
  const id = 'drl_01JD0000000000000000000000';
  it('are for their owner alone, and hold what was printed', async () => {
    const log = await openOutputLog(state, () => now);
    log.append(id, 'one\n');
    log.append(id, 'two\n');
    expect(await log.read(id)).toBe('one\ntwo\n');
    expect(statSync(log.pathOf(id)).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, 'output')).mode & 0o777).toBe(0o700);
  });
  it('are bounded, and say that something is missing', async () => {
    const log = await openOutputLog(state, () => now, 10);
    for (const text of ['12345678', '90abc', 'xyz']) log.append(id, text);
    expect(await log.read(id)).toMatch(/^1234567890\n\[the rest was left out/);
    expect(await log.read(id)).not.toContain('xyz');
  });
  it('go after seven days', async () => {
    const log = await openOutputLog(state, () => now);
    const [old, fresh, crash] = [id, id.replace('JD', 'JE'), 'internal-7'];
    for (const name of [old, fresh, crash]) log.append(name, 'x');
    const sevenDays = 7 * 86_400;
    for (const name of [old, crash]) utimesSync(log.pathOf(name), 0, now.getTime() / 1000 - sevenDays - 1);
    utimesSync(log.pathOf(fresh), 0, now.getTime() / 1000 - sevenDays + 1);
    await openOutputLog(state, () => now);
    expect(readdirSync(join(state, 'output'))).toEqual([`${fresh}.log`]);
  });
  it('go, and nothing else that somebody keeps there', async () => {
    const output = join(state, 'output');
    mkdirSync(join(output, 'drl_folder.log'), { recursive: true });
    for (const name of ['thesis.tex', 'drl_thesis.txt']) writeFileSync(join(output, name), 'x');
    for (const name of readdirSync(output)) utimesSync(join(output, name), 0, 0);
    await openOutputLog(state, () => now);
    expect(readdirSync(output).toSorted()).toEqual(['drl_folder.log', 'drl_thesis.txt', 'thesis.tex']);
  });
  it('are read by the id of a drill, and by nothing else', async () => {
    const log = await openOutputLog(state, () => now);
    writeFileSync(join(state, 'elsewhere.log'), 'not yours');
    await expect(log.read('../elsewhere')).rejects.toMatchObject({ code: 'usage' });
  });
  it('that are not there are told so', async () => {
    const log = await openOutputLog(state, () => now);
    await expect(log.read(id)).rejects.toMatchObject({ code: 'evidence_not_found' });
  });
});

describe('kept scratches', () => {
  const entry = (over: Partial<KeptEntry> = {}): KeptEntry => ({
    drillId: 'drl_1',
    slug: 'shop',
    kind: 'postgres',
    database: 'shop',
    socketDir: '/run/muster/1/s',
    serverVersion: '17.6',
    connectCommand: 'psql',
    backupCreatedAt: now.toISOString(),
    pid: process.pid,
    expiresAt: new Date(now.getTime() + 1000).toISOString(),
    ...over,
  });
  it('are found by their source while they are held', async () => {
    const release = await registerKept(state, entry());
    expect(await findKept(state, 'shop', now)).toEqual(entry());
    expect(await findKept(state, 'other', now)).toBeUndefined();
    expect(statSync(join(state, 'kept', 'drl_1.json')).mode & 0o777).toBe(0o600);
    await release();
    expect(await findKept(state, 'shop', now)).toBeUndefined();
  });
  it('whose time is over or whose holder is gone are forgotten', async () => {
    await registerKept(state, entry({ drillId: 'over', expiresAt: now.toISOString() }));
    await registerKept(state, entry({ drillId: 'dead', pid: 2 ** 22 + 1 }));
    writeFileSync(join(state, 'kept', 'junk.json'), '{');
    expect(await findKept(state, 'shop', now)).toBeUndefined();
    expect(readdirSync(join(state, 'kept'))).toEqual([]);
  });
  it('the youngest of several is taken', async () => {
    await registerKept(state, entry({ drillId: 'drl_1' }));
    await registerKept(state, entry({ drillId: 'drl_2' }));
    expect((await findKept(state, 'shop', now))?.drillId).toBe('drl_2');
  });
});

describe('advice', () => {
  it.each([
    ['ID=debian\n', 'debian'],
    ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', 'debian'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'fedora'],
    ['ID=alpine\n', 'alpine'],
    ['ID=arch\n', 'other'],
  ])('%j is %s', (text, platform) => expect(platformOf('linux', text)).toBe(platform));
  it('is the exact command, and all of them where nobody can tell', () => {
    expect(platformOf('darwin', '')).toBe('macos');
    expect(installCommands('bubblewrap', 'debian')).toEqual(['apt-get install bubblewrap util-linux']);
    expect(installCommands('docker', 'other')).toHaveLength(7);
  });
});
