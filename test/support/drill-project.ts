import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Predicate, Statement } from '@muster/core';

export type Isolation = 'docker' | 'bubblewrap';

/** A folder with a configuration and a directory of dumps, and the command `muster` run in it as a user runs it. */
export interface DrillProject {
  readonly folder: string;
  /** Where the source's dumps lie. */
  readonly dumps: string;
  /** Runs `muster drill run` to its end. */
  drill(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Drilled>;
  /** Starts `muster drill run`, for tests that disturb it; `ended` resolves with what it came to. */
  start(
    args?: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): { child: ChildProcess; ended: Promise<Drilled> };
  /** Any command of muster. */
  muster(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Everything left by drills besides evidence, keys and diagnosis: empty if they cleaned up. */
  leftovers(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Drilled extends Ended {
  /** What the receipt says; absent where there is none. */
  readonly predicate: Predicate | undefined;
  readonly statement: Statement | undefined;
}

export interface ProjectOptions {
  readonly isolation: Isolation;
  /** Lines of YAML for the source. */
  readonly source?: readonly string[];
  /** Lines of YAML for the whole file, after sources and checks. */
  readonly config?: readonly string[];
  /** Checks by id: the query and what is expected. */
  readonly checks?: Readonly<Record<string, readonly [query: string, expect: string]>>;
}

const COMMAND = join(process.cwd(), 'node_modules/.bin/muster');
const LIMIT_MS = 110_000;

export async function drillProject(options: ProjectOptions): Promise<DrillProject> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-project-'));
  const dumps = join(folder, 'dumps');
  const state = join(folder, 'state');
  await mkdir(dumps);
  await writeFile(join(folder, 'muster.yaml'), configText(options));
  const base = { ...process.env, MUSTER_STATE_DIR: state, NO_COLOR: '1' };
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const child = spawn(COMMAND, args, {
      cwd: folder,
      env: { ...base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, ended: ending(child) };
  };
  let count = 0;
  const start: DrillProject['start'] = (args = [], env = {}) => {
    count += 1;
    const receipt = join(folder, `receipt-${count}.json`);
    const { child, ended } = run(['drill', 'run', '--source', 'shop', '--receipt', receipt, ...args], env);
    return { child, ended: ended.then(async (end) => ({ ...end, ...(await readStatement(receipt)) })) };
  };
  return {
    folder,
    dumps,
    start,
    drill: (args, env) => start(args, env).ended,
    muster: (args, env) => run(args, env).ended,
    leftovers: async () => [...(await dockerLeftovers(folder)), ...(await hostLeftovers(state))],
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function configText(options: ProjectOptions): string {
  const checks = Object.entries(options.checks ?? { rows: ['SELECT 1 AS n', 'n == 1'] });
  const lines = [
    'sources:',
    '  - slug: shop',
    '    kind: postgres',
    ...((options.source ?? []).some((line) => /^(backup|connection):/.test(line))
      ? []
      : ['    backup: { type: dump, location: dumps }']),
    ...(options.source ?? []).map((line) => `    ${line}`),
    ...(checks.length === 0 ? [] : [`    checks: [${checks.map(([id]) => id).join(', ')}]`, 'checks:']),
    ...checks.flatMap(([id, [query, expect]]) => [
      `  - id: ${id}`,
      `    summary_sql: ${JSON.stringify(query)}`,
      `    expect: ${JSON.stringify(expect)}`,
    ]),
    `scratch: { kind: ${options.isolation}, images: { postgres: "muster.test/postgres:{major}" } }`,
    ...(options.config ?? []),
  ];
  return `${lines.join('\n')}\n`;
}

function ending(child: ChildProcess): Promise<Ended> {
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const text = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text.stdout += piece;
  });
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    text.stderr += piece;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(limit);
      resolve({ exitCode, ...text });
    });
  });
}

async function readStatement(receipt: string): Promise<Pick<Drilled, 'predicate' | 'statement'>> {
  try {
    const bundle = JSON.parse(await readFile(receipt, 'utf8')) as { dsseEnvelope: { payload: string } };
    const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as Statement;
    return { statement, predicate: statement.predicate };
  } catch {
    return { statement: undefined, predicate: undefined };
  }
}

/** What Docker still holds of the drills of this project; others may be drilling beside it. */
async function dockerLeftovers(folder: string): Promise<readonly string[]> {
  const plans = await readdir(join(folder, 'evidence/plans'), { recursive: true }).catch(() => []);
  const drills = plans.flatMap((path) => /drl_\w+/.exec(path)?.[0] ?? []);
  const lists = drills.flatMap((drill) => [
    ['ps', '-aq', '--filter', `label=muster.drill=${drill}`],
    ['volume', 'ls', '-q', '--filter', `label=muster.drill=${drill}`],
  ]);
  const found = await Promise.all(
    lists.map((args) =>
      ending(spawn('docker', args, { stdio: ['ignore', 'pipe', 'pipe'] })).catch(() => undefined),
    ),
  );
  return found.flatMap((end) => (end?.stdout ?? '').split('\n').filter((line) => line !== ''));
}

/** In the state directory only these may stay: the key, diagnosis files, and what was learnt of images. */
async function hostLeftovers(state: string): Promise<readonly string[]> {
  const entries = await readdir(state, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory() || entry.name.includes('drl_'))
    .map((entry) => join(entry.parentPath, entry.name).slice(state.length + 1))
    .filter((path) => !/^(output|keys?|images?|probes?)\b|\.(key|pem)$/.test(path));
}
