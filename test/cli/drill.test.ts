import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { generateKeyPair } from '@muster/evidence';
import { afterEach, describe, expect, it } from 'vitest';
import { hostProcesses } from '../support/host-processes.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { plainDump } from '../support/plain-dump.ts';

/** In bubblewrap: what is tried here is the command, and not the isolation. */
const CONFIG = `sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: dumps }
    checks: [orders]
checks:
  - { id: orders, summary_sql: SELECT COUNT(*) AS n FROM orders, expect: "n == 3" }
  - { id: names, summary_sql: "SELECT max(name) AS name, 9007199254740993 AS big FROM orders", expect: "name == 'Ångström'" }
  - { id: broken, summary_sql: SELECT n FROM ordres, expect: "n == 3" }
scratch: { kind: bubblewrap }
`;
const DUMP = plainDump(`CREATE TABLE orders (name text);
INSERT INTO orders VALUES ('Ångström'), ('b'), ('c');`);

let here: MusterFolder;
const given = async (files: Readonly<Record<string, string>> = {}): Promise<MusterFolder> => {
  here = await musterFolder({ 'muster.yaml': CONFIG, 'dumps/shop.sql': DUMP, ...files });
  return here;
};
afterEach(() => here.remove());

describe('a drill off a terminal', () => {
  it('is told in plain lines, its result on stdout, and leaves a receipt that verifies as it says', async () => {
    const { run } = await given();
    const drilled = await run(['drill', 'run', '--source', 'shop'], { TERM: 'xterm-256color' });
    expect(drilled.exitCode).toBe(0);
    expect(drilled.stderr).toMatch(/^located: shop\.sql · .*\nlocate: done in /m);
    expect(drilled.stderr).toMatch(/^launched: PostgreSQL .*\nlaunch: done in /m);
    expect(drilled.stderr).toMatch(/^check orders: pass in /m);
    expect(drilled.stdout).toMatch(/^orders {2}✔ pass {3}n = 3 {2,}\d+ ms$/m);
    expect(drilled.stdout).toMatch(/^✔ PASS$/m);
    expect(drilled.stdout + drilled.stderr).not.toContain('\u001b');
    const command = /^verify {3}muster (verify .*)$/m.exec(drilled.stdout)?.[1] ?? '';
    expect(await run([...command.split(' '), '--artefact', 'dumps/shop.sql'])).toMatchObject({ exitCode: 0 });
  });

  it('where nothing can isolate a scratch, says so in its receipt too', async () => {
    const { run } = await given({ 'muster.yaml': CONFIG.replace('kind: bubblewrap', 'kind: docker') });
    const drilled = await run(['drill', 'run', '--json'], { DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    expect(drilled.exitCode).toBe(2);
    expect(JSON.parse(drilled.stdout).statement.predicate).toMatchObject({
      result: 'error',
      reason: 'isolation_unavailable',
    });
  });

  it('does not begin where its receipt could not be put', async () => {
    const { run } = await given();
    const drilled = await run(['drill', 'run', '--receipt', 'nowhere/r.json']);
    expect(drilled).toMatchObject({ exitCode: 64, stdout: '' });
    expect(drilled.stderr).toMatch(/^muster: --receipt cannot be written to .*nowhere \(ENOENT\)/);
  });

  it('with --json is one document on stdout, with --quiet only the verdict and the receipt', async () => {
    const { run, folder } = await given();
    const json = await run(['drill', 'run', '--json', '--receipt', 'r.json']);
    const document = JSON.parse(json.stdout);
    expect(document).toMatchObject({
      source: 'shop',
      result: 'pass',
      statement: { predicate: { result: 'pass' } },
    });
    expect(document.receipt.startsWith(`${folder}/evidence/receipts/shop/`)).toBe(true);
    expect(await here.read('r.json')).toBe(await here.read(document.receipt.slice(folder.length + 1)));
    const quiet = await run(['drill', 'run', '--quiet']);
    expect(quiet).toMatchObject({ exitCode: 0, stderr: '' });
    expect(quiet.stdout.trim().split('\n')).toEqual([
      '✔ PASS',
      expect.stringMatching(/^receipt {2}evidence/),
    ]);
  });

  it('makes its signing key once, and says so once', async () => {
    const { run, folder } = await given();
    const first = await run(['drill', 'run']);
    expect(first.stderr.match(/Made a signing key/g)).toHaveLength(1);
    expect((await stat(join(folder, 'state/signing.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'keys'))).toHaveLength(1);
    expect((await run(['drill', 'run'])).stderr).not.toContain('Made a signing key');
    expect(JSON.parse((await run(['drill', 'list', '--json'])).stdout).drills).toHaveLength(2);
  });

  it('takes the backup that is asked for', async () => {
    const { run } = await given({ 'dumps/other.sql': DUMP.replace("('c')", "('c'), ('d')") });
    const drilled = await run(['drill', 'run', '--backup', 'other.sql', '--json']);
    expect(drilled.exitCode).toBe(1);
    expect(JSON.parse(drilled.stdout)).toMatchObject({
      reason: 'check_failed',
      statement: { predicate: { restore_point: { kind: 'id', asked: 'other.sql', resolved: 'other.sql' } } },
    });
  });

  it('needs to know which source where there are several', async () => {
    const two = CONFIG.replace(
      'checks:\n  - {',
      '  - { slug: b, kind: postgres, backup: { type: dump, location: dumps }, checks: [orders] }\nchecks:\n  - {',
    );
    const { run } = await given({ 'muster.yaml': two });
    expect(await run(['drill', 'run'])).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('shop, b'),
    });
    expect(await run(['drill', 'run', '--source', 'c'])).toMatchObject({ exitCode: 64 });
  });
});

describe('a kept scratch', () => {
  it('answers checks from another terminal, each time from the configuration as it is now, and goes with Ctrl-C', async () => {
    const { run, start, folder } = await given();
    const keeper = start(['drill', 'run', '--keep', '10m']);
    await keeper.said(/check test ID --source shop/);

    const passed = await run(['check', 'test', 'names']);
    expect(passed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(passed.stdout).toMatch(/^ {2}name = "Ångström"\n {2}big {2}= 9007199254740993$/m);
    const broken = await run(['check', 'test', 'broken']);
    expect(broken).toMatchObject({ exitCode: 2 });
    expect(broken.stdout).toContain('relation "ordres" does not exist');
    await here.write('muster.yaml', CONFIG.replace('n == 3', 'n == 4'));
    const failed = await run(['check', 'test', 'orders', '--json']);
    expect(failed.exitCode).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      verdict: 'fail',
      reason: 'expectation_not_met',
      summary: { n: 3 },
    });

    const [entry = ''] = await readdir(join(folder, 'state/kept'));
    expect((await stat(join(folder, 'state/kept', entry))).mode & 0o777).toBe(0o600);
    const { socketDir } = JSON.parse(await here.read(`state/kept/${entry}`));
    keeper.child.kill('SIGINT');
    expect(await keeper.ended).toMatchObject({ exitCode: 0 });
    expect(await readdir(join(folder, 'state/kept'))).toEqual([]);
    await expect(stat(socketDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('goes when its time is over, and the document was printed before', async () => {
    const { run, start } = await given();
    const keeper = start(['drill', 'run', '--keep', '3s', '--json']);
    const ended = await keeper.ended;
    expect(ended.exitCode).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ result: 'pass', kept: { database: 'shop' } });
    expect(await run(['check', 'test', 'names'])).toMatchObject({ exitCode: 64 });
  });

  it('is watched: the check is asked again when the file changes, faults in it are waited out', async () => {
    const { start } = await given();
    const watcher = start(['check', 'test', 'orders', '--restore', '--watch']);
    await watcher.said(/Watching /);
    await here.write('muster.yaml', CONFIG.replace('n == 3', 'n =='));
    await watcher.said(/muster\.yaml:7:\d+/);
    await here.write('muster.yaml', CONFIG.replace('n == 3', 'n == 4'));
    await watcher.said(/expectation_not_met/);
    watcher.child.kill('SIGINT');
    expect(await watcher.ended).toMatchObject({ exitCode: 1 });
  });
});

describe('secrets', () => {
  it('are in no output, file or process list', async () => {
    // A source that accepts a connection and never answers.
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const connected = new Promise<void>((resolve) => mute.once('connection', () => resolve()));
    const live = CONFIG.replace(
      'backup: { type: dump, location: dumps }',
      'connection: { uri: env:SHOP_URI }',
    );
    const { start, folder } = await given({ 'muster.yaml': live });
    const drill = start(['drill', 'run'], {
      SHOP_URI: `postgresql://u:hunter2secret@127.0.0.1:${port}/shop`,
    });
    await connected;
    expect(hostProcesses('hunter2secret')).toEqual([]);
    drill.child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await drill.ended;
    mute.close();
    expect(exitCode).toBe(2);
    expect(stdout + stderr).not.toContain('hunter2secret');
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expect(await here.read(join(entry.parentPath, entry.name).slice(folder.length + 1))).not.toContain(
          'hunter2secret',
        );
  });

  it('may be the signing key itself, which then needs its public key in the keyring', async () => {
    const { run } = await given({ 'muster.yaml': `${CONFIG}signing: { key: env:SIGNING_KEY }\n` });
    const pair = generateKeyPair();
    const drilled = await run(['drill', 'run', '--receipt', 'r.json'], { SIGNING_KEY: pair.privateKeyPem });
    expect(drilled.exitCode).toBe(0);
    expect(drilled.stderr).toMatch(/^The signing key .* is not in the keyring keys/m);
    expect(drilled.stdout + drilled.stderr).not.toContain(pair.privateKeyPem.split('\n')[1]);
    expect(await run(['verify', 'r.json'])).toMatchObject({ exitCode: 64 });
    await here.write('keys/mine.pem', pair.publicKeyPem);
    expect(await run(['verify', 'r.json'])).toMatchObject({ exitCode: 0 });
  });

  it('that are not to be had are an error of the drill, named and never guessed', async () => {
    const { run } = await given({
      'muster.yaml': CONFIG.replace(
        'backup: { type: dump, location: dumps }',
        'connection: { uri: env:SHOP_URI }',
      ),
    });
    const drilled = await run(['drill', 'run', '--json']);
    expect(drilled.exitCode).toBe(2);
    expect(JSON.parse(drilled.stdout)).toMatchObject({
      reason: 'secret_unavailable',
      message: expect.stringContaining('env:SHOP_URI'),
    });
  });
});

describe('doctor', () => {
  it('tells that a drill can run, and makes no evidence of it', async () => {
    const { run, folder } = await given();
    const told = await run(['doctor', '--json']);
    expect(JSON.parse(told.stdout)).toMatchObject({ ready: true });
    expect(told.exitCode).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['dumps', 'muster.yaml', 'state']);
    expect((await run(['doctor'])).stdout).toContain('A drill can run here.');
  });

  it('tells what is missing, all of it, with what to do', async () => {
    const { run } = await given({
      'muster.yaml': `${CONFIG.replace('location: dumps', 'location: nowhere').replace('bubblewrap', 'docker')}signing: { key: "file:absent.key" }\n`,
    });
    const told = await run(['doctor', '--json'], { DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    expect(told.exitCode).toBe(2);
    const { ready, findings } = JSON.parse(told.stdout);
    expect(ready).toBe(false);
    const faults = findings.filter(({ outcome }: { outcome: string }) => outcome === 'fault');
    expect(faults.map(({ subject }: { subject: string }) => subject)).toEqual([
      'signing key',
      'keyring',
      'docker',
      'shop',
    ]);
    expect(faults[2].install.length).toBeGreaterThan(0);
  });

  it('without a configuration looks at the machine all the same', async () => {
    const { run } = await given();
    const told = await run(['doctor', '--json', '--config', 'none.yaml']);
    expect(told.exitCode).toBe(64);
    expect(JSON.parse(told.stdout).findings.map(({ subject }: { subject: string }) => subject)).toContain(
      'bubblewrap',
    );
  });

  it('ends with a configuration that has faults as every command does', async () => {
    const { run } = await given({ 'muster.yaml': 'sources: 1\n' });
    expect(await run(['doctor'])).toMatchObject({ exitCode: 64 });
    expect(await run(['doctor', '--source', 'shop', '--json'])).toMatchObject({
      exitCode: 64,
      stdout: expect.stringContaining('"outcome": "fault"'),
    });
  });
});
