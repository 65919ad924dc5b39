import { availableParallelism, homedir, hostname, totalmem } from 'node:os';
import { MusterError } from '@muster/core';

/** What a command takes from the machine and process around it, passed in so that tests can choose it. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly uid: number;
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly now: () => Date;
}

/** @throws `usage` where the current directory was removed. */
export function thisEnvironment(): Environment {
  const constrained = process.constrainedMemory();
  return {
    env: process.env,
    cwd: currentDirectory(),
    home: homedir(),
    uid: process.getuid?.() ?? -1,
    hostname: hostname(),
    cpus: availableParallelism(),
    memoryBytes: constrained > 0 ? Math.min(constrained, totalmem()) : totalmem(),
    // A receipt's times are in order, also when somebody sets the clock back while it is made.
    now: () => new Date(performance.timeOrigin + performance.now()),
  };
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new MusterError('usage', 'The current directory is gone: change to one that is there.', { cause });
  }
}
