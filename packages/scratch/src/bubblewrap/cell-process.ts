import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { MusterError } from '@muster/core';
import { createTail } from '../tail.js';
import { CAGE_FDS } from './cage-options.js';
import { killGroup } from './kill-tree.js';
import { feed, spawnHelper } from './run-process.js';

/** The bubblewrap that is a cell, and the number by which this machine knows the cell's first process. */
export interface CellProcess {
  readonly pid: number;
  /** Resolves, and never rejects, when no process of the cell is left. */
  readonly ended: Promise<void>;
  isAlive(): boolean;
}

export interface CellInputs {
  readonly options: string;
  readonly passwd: string;
  readonly group: string;
  readonly nsswitch: string;
}

/**
 * The first process of a cell. It ends when the worker's end of its stdin closes, and as process 1 it takes the whole
 * cell with it; nothing inside can signal it. What is orphaned is reaped by the kernel, for SIGCHLD is ignored: `cat`
 * inherits that from bash, and would not from dash.
 */
const FIRST = ['bash', '--norc', '-c', 'trap "" CHLD; echo ready; exec cat >/dev/null'];

const END_MS = 5_000;

/** The command that makes a cell, to be led in by `outerCommand`. */
export const CELL_COMMAND: readonly string[] = [
  ...['prlimit', '--core=0', '--'],
  ...['bwrap', '--args', `${CAGE_FDS.options}`, '--', ...FIRST],
];

/** Started, but not yet known to be up; {@link end} is to be called on every path. */
export class StartingCell {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #pid: number | undefined;

  constructor(argv: readonly [string, ...string[]], inputs: CellInputs) {
    this.#child = spawnHelper(argv, 'pipe', ['pipe', 'pipe', 'pipe', 'pipe', 'pipe']);
    this.#child.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    feed(this.#child, CAGE_FDS.options, inputs.options);
    feed(this.#child, CAGE_FDS.passwd, inputs.passwd);
    feed(this.#child, CAGE_FDS.group, inputs.group);
    feed(this.#child, CAGE_FDS.nsswitch, inputs.nsswitch);
  }

  /** Resolves when the first process runs in the finished cage. @throws `launch_failed` */
  async up(): Promise<CellProcess> {
    const complaints = createTail();
    this.#child.stderr?.on('data', (piece: Buffer) => complaints.add(piece));
    const told = text(this.#child.stdio[CAGE_FDS.info] as Readable).catch(() => '');
    const stdout = this.#child.stdout;
    await Promise.race([
      this.#ended,
      new Promise((resolve) => {
        stdout?.once('data', resolve);
      }),
    ]);
    stdout?.resume();
    const pid = Number(/"child-pid": *(\d+)/.exec(await told)?.[1]);
    if (!this.#isAlive() || !(pid > 1)) {
      throw new MusterError(
        'launch_failed',
        'Bubblewrap could not make a scratch on this machine: run `muster doctor`, which says why',
        { output: complaints.text() },
      );
    }
    this.#pid = pid;
    return { pid, ended: this.#ended, isAlive: () => this.#isAlive() };
  }

  /** Kills all of it and waits until it is gone; idempotent. */
  async end(): Promise<void> {
    const timer = setTimeout(() => killGroup(this.#child), END_MS);
    if (this.#isAlive()) {
      this.#child.stdin?.destroy();
      // bubblewrap outlives process 1, and the kernel lets that go only when the whole cell is gone: so it is waited
      // for, and not killed itself, unless the cell is not up yet.
      if (this.#pid === undefined || !kill(this.#pid)) killGroup(this.#child);
    }
    await Promise.race([this.#ended, new Promise((resolve) => setTimeout(resolve, 2 * END_MS).unref())]);
    clearTimeout(timer);
    for (const stream of this.#child.stdio) stream?.destroy();
  }

  #isAlive(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
