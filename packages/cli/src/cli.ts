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
