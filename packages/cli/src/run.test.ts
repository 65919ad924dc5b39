import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { someEnvironment } from './environment.fixture.js';
import { run } from './run.js';

const process = {
  on: () => {},
  off: () => {},
  exit: (): never => {
    throw new Error('left');
  },
};

async function muster(...argv: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const streams = { stdout: sink('stdout'), stderr: sink('stderr') };
  const exitCode = await run(argv, someEnvironment(), streams, process);
  return { exitCode, ...written };
}

describe('help', () => {
  it.each([
    ['drill run'],
    ['drill show'],
    ['drill list'],
    ['verify'],
    ['check test'],
    ['check hash'],
    ['config check'],
    ['config schema'],
    ['config show'],
    ['keys generate'],
    ['keys list'],
    ['receipts quarantined'],
    ['receipts acknowledge'],
    ['doctor'],
  ])('of %s has an example and the options that all commands take', async (command) => {
    const help = await muster(...command.split(' '), '--help');
    expect(help).toMatchObject({ exitCode: 0, stderr: '' });
    expect(help.stdout).toMatch(/Examples?:\n {2}\$ muster /);
    expect(help.stdout).toContain('--json');
    for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
  it('of the whole command lists them', async () => {
    const help = await muster('--help');
    expect(help).toMatchObject({ exitCode: 0, stderr: '' });
    expect(help.stdout).toContain('doctor');
  });
  it.each(['CONFIG', 'STATE_DIR', 'REDIS_URL', 'API_URL', 'API_TOKEN', 'LOG_LEVEL', 'DEBUG'])(
    'and the documentation tell of MUSTER_%s',
    async (name) => {
      expect((await muster('--help')).stdout).toContain(`MUSTER_${name}`);
      expect(await readFile(new URL('../../../docs/fleet.md', import.meta.url), 'utf8')).toContain(
        `MUSTER_${name}`,
      );
    },
  );
  it('is no wider than a terminal', async () => {
    const { stdout } = await muster('--help');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
});

it('the version is that of the package', async () => {
  expect(await muster('--version')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

describe('a command line that is not understood', () => {
  it.each([
    ['dril run', 'Did you mean drill?'],
    ['drill runn', 'Did you mean run?'],
    ['drill run --sorce shop', 'Did you mean --source?'],
    ['drill', 'drill needs one of: run, enqueue, watch, cancel, list, show'],
    ['', 'muster needs one of: up,'],
    ['drill run --backup a --oldest', 'cannot be used with'],
    ['drill run --keep soon', '--keep takes a duration'],
    ['check hash', "missing required argument 'id'. See muster check hash --help."],
    ['backup take --nonsense', "unknown option '--nonsense'. See muster backup take --help."],
    ['drill run --at noon', '--at: expected a time such as'],
    ['drill run --days 14', '--days belongs to --random'],
  ])('muster %s', async (line, said) => {
    const told = await muster(...line.split(' ').filter(Boolean));
    expect(told).toMatchObject({ exitCode: 64, stdout: '' });
    expect(told.stderr.toLowerCase()).toContain(said.toLowerCase());
    expect(told.stderr.trim().split('\n')).toHaveLength(1);
  });
});

it.each([
  ['dril', 'usage'],
  ['drill', 'usage'],
  ['config check', 'config_not_found'],
  ['drill run --days 14', 'usage'],
])('with --json the error of muster %s is one document on stdout', async (line, code) => {
  const told = await muster(...line.split(' '), '--json');
  expect(told.exitCode).toBe(64);
  expect(JSON.parse(told.stdout)).toMatchObject({ type: `urn:muster:problem:${code}`, code });
});

it.each(['list', 'enqueue', 'cancel drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C'])(
  'muster drill %s where nothing names a fleet says what can',
  async (line) => {
    const told = await muster('drill', ...line.split(' '));
    expect(told).toMatchObject({ exitCode: 64, stdout: '' });
    for (const name of ['MUSTER_CONFIG', 'MUSTER_API_URL', 'MUSTER_API_TOKEN', 'MUSTER_REDIS_URL'])
      expect(told.stderr).toContain(name);
  },
);

describe('a service whose log is JSON', () => {
  const lines = async (...argv: readonly string[]) => {
    const { stderr } = await muster(...argv);
    return stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  it.each(['producer', 'sink', 'api', 'up'])(
    'of muster %s says in it why it does not start',
    async (service) => {
      expect(await lines(service)).toMatchObject([
        {
          level: 'error',
          service,
          code: 'config_not_found',
          error: expect.stringContaining('No configuration'),
        },
      ]);
    },
  );

  it('of a worker that is told nonsense too', async () => {
    expect(await lines('worker', '--concurrency', 'many')).toMatchObject([{ code: 'usage' }]);
  });

  it('has a line of each fault of its configuration', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-faults-'));
    await writeFile(join(folder, 'muster.yaml'), 'sources: 1\nchecks: 2\n');
    const told = await lines('sink', '--config', join(folder, 'muster.yaml'));
    await rm(folder, { recursive: true });
    expect(told).toMatchObject([
      { level: 'error', msg: expect.stringContaining('muster.yaml:1:10') },
      { level: 'error', msg: expect.stringContaining('muster.yaml:2:9') },
      { level: 'error', code: 'config_invalid' },
    ]);
  });
});

describe('muster token generate', () => {
  it('makes the line for the configuration, of the name and role that are asked for', async () => {
    const { stdout } = await muster('token', 'generate', '--name', 'grafana', '--role', 'viewer');
    expect(stdout).toMatch(
      /^mst_.+\n[\s\S]+ {2}- \{ name: grafana, role: viewer, sha256: [0-9a-f]{64} \}\n$/,
    );
    const made = JSON.parse((await muster('token', 'generate', '--role', 'admin', '--json')).stdout);
    expect(made).toEqual({
      token: expect.stringMatching(/^mst_/),
      name: 'ci',
      role: 'admin',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is of an operator called ci where nothing is asked for, and help says so', async () => {
    expect((await muster('token', 'generate')).stdout).toContain('{ name: ci, role: operator, sha256: ');
    expect((await muster('token', 'generate', '--help')).stdout).toMatch(
      /default: "ci"[\s\S]+default: "operator"/,
    );
  });

  it.each([
    [['--role', 'root'], 'viewer, operator, admin'],
    [['--name', 'a b'], '--name takes'],
    [['--name', ''], '--name takes'],
  ])('refuses %j', async (args, said) => {
    const told = await muster('token', 'generate', ...args);
    expect(told).toMatchObject({ exitCode: 64, stdout: '', stderr: expect.stringContaining(said) });
  });
});
