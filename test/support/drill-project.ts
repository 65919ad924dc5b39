import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Predicate, Statement } from '@muster/core';
import { afterEach, expect } from 'vitest';
import { type Ended, ending } from './ending.ts';
import { leftovers } from './leftovers.ts';
import { sourceText, type TestSources } from './source-text.ts';

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

export interface Drilled extends Ended {
  /** What the receipt says; absent where there is none. */
  readonly predicate: Predicate | undefined;
  readonly statement: Statement | undefined;
}

export interface ProjectOptions extends TestSources {
  readonly isolation: Isolation;
  /** Lines of YAML for the whole file, after sources and checks. */
  readonly config?: readonly string[];
}

const COMMAND = join(process.cwd(), 'node_modules/.bin/muster');

export async function drillProject(options: ProjectOptions): Promise<DrillProject> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-project-'));
  const dumps = join(folder, 'dumps');
  const state = join(folder, 'state');
  await mkdir(dumps);
  const config = [...sourceText(options), ...(options.config ?? [])];
  await writeFile(join(folder, 'muster.yaml'), `${config.join('\n')}\n`);
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
    leftovers: () => leftovers(join(folder, 'evidence'), state),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** {@link drillProject} for the tests of a file or suite: after each its projects are gone, and had left nothing behind. */
export function projectOfEachTest(): typeof drillProject {
  const made: DrillProject[] = [];
  afterEach(async () => {
    for (const project of made.splice(0)) {
      const left = await project.leftovers();
      await project.remove();
      expect(left).toEqual([]);
    }
  });
  return async (options) => {
    const project = await drillProject(options);
    made.push(project);
    return project;
  };
}

/** What tests of verdicts look at; `ran`: how many checks were asked. */
export const verdictOf = ({ exitCode, predicate }: Drilled) => ({
  exit: exitCode,
  result: predicate?.result,
  reason: predicate?.reason,
  ran: predicate?.checks.filter((check) => check.verdict !== 'not_run').length,
});
/** The {@link verdictOf} a drill that ended before its checks. */
export const failed = (reason: string) => ({ exit: 1, result: 'fail', reason, ran: 0 });
export const errored = (reason: string) => ({ exit: 2, result: 'error', reason, ran: 0 });

async function readStatement(receipt: string): Promise<Pick<Drilled, 'predicate' | 'statement'>> {
  try {
    const bundle = JSON.parse(await readFile(receipt, 'utf8')) as { dsseEnvelope: { payload: string } };
    const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as Statement;
    return { statement, predicate: statement.predicate };
  } catch {
    return { statement: undefined, predicate: undefined };
  }
}
