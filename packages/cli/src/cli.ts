import type { Command } from 'commander';
import type { Environment } from './environment.js';
import type { Interruptible } from './interruption.js';
import type { Output } from './terminal/output.js';

/** What every command gets. */
export interface Cli {
  readonly environment: Environment;
  readonly output: Output;
  readonly process: Interruptible;
  /** `--config`, as given. */
  readonly configOption: string | undefined;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
}

/** Runs one command's work and keeps its exit code; given by whoever runs the program. */
export type Perform = (command: Command, work: (cli: Cli) => Promise<number>) => Promise<void>;
