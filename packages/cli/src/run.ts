import type { MusterError } from '@muster/core';
import type { Logger } from '@muster/telemetry';
import { CommanderError } from 'commander';
import type { GlobalOptions } from './cli.js';
import type { Environment } from './environment.js';
import { logFaults } from './fleet/log-faults.js';
import type { Interruptible } from './interruption.js';
import { openOutputLog } from './output-log.js';
import { stateDirectory } from './places.js';
import { asMusterError, ConfigFaults, EXIT, exitCodeOf, problemOf } from './problem.js';
import { createProgram, globalOptions } from './program.js';
import { faultLines } from './render/faults.js';
import { createOutput, type Output, type Stream } from './terminal/output.js';
import { printable } from './terminal/printable.js';
import { wantsColour } from './terminal/style.js';

export interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Told when what is said on stderr becomes lines of a service's log. */
  readonly onLog?: (log: Logger) => void;
}

/** Runs one command line and returns its exit code. Never throws. */
export async function run(
  argv: readonly string[],
  environment: Environment,
  streams: Streams,
  process: Interruptible,
): Promise<number> {
  let exitCode: number = EXIT.pass;
  // Until the command line is understood, its plain words decide how to answer.
  let output = outputFor({
    json: argv.includes('--json'),
    quiet: argv.includes('--quiet'),
    color: !argv.includes('--no-color'),
  });
  const program = createProgram(async (command, work) => {
    const options = globalOptions(command);
    output = outputFor(options);
    exitCode = await work({ environment, output, process, configOption: options.config });
  });
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ])
    command.configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: () => {},
      getOutHasColors: () => wantsColour(streams.stdout, environment.env, !argv.includes('--no-color')),
      getOutHelpWidth: () => Math.min(100, streams.stdout.columns ?? 100),
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.pass;
    return await report(thrown, output, environment);
  }

  function outputFor(options: GlobalOptions): Output {
    const { json = false, quiet = false, color } = options;
    return createOutput(streams.stdout, streams.stderr, environment.env, {
      ...{ json, quiet, color },
      onLog: streams.onLog,
    });
  }
}

async function report(thrown: unknown, output: Output, environment: Environment): Promise<number> {
  const { env, cwd } = environment;
  const error = asMusterError(thrown);
  const { errStyle: style } = output;
  if (output.json) output.result(problemOf(error), () => []);
  if (output.log !== undefined) {
    logFaults(output.log, error);
    const stack = env['MUSTER_DEBUG'] === '1' ? stackLines(error).join('\n') : undefined;
    output.log.error('it ends', error, { ...(stack !== undefined && { stack }) });
    if (error.code === 'internal') output.alert(await keepDiagnosis(error, environment));
    return exitCodeOf(error);
  }
  if (error instanceof ConfigFaults) {
    const view = { excerpts: output.stderr.isTTY === true, width: output.stderr.columns ?? 100 };
    for (const line of faultLines(error, cwd, style, view)) output.alert(line);
    output.alert('');
  }
  output.alert(`${style.bad('muster:')} ${printable(error.message)}`);
  if (env['MUSTER_DEBUG'] === '1') for (const line of stackLines(error)) output.alert(style.dim(line));
  else if (error.code === 'internal') output.alert(style.dim(await keepDiagnosis(error, environment)));
  return exitCodeOf(error);
}

/** What nobody foresaw is written down on this machine, and where is told; it may not come twice. */
async function keepDiagnosis(error: MusterError, environment: Environment): Promise<string> {
  try {
    const log = await openOutputLog(stateDirectory(environment), environment.now);
    const name = `internal-${environment.now().getTime()}`;
    log.append(name, `${stackLines(error).join('\n')}\n`);
    return `The diagnosis is ${log.pathOf(name)}`;
  } catch {
    return 'MUSTER_DEBUG=1 shows the diagnosis.';
  }
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return error === undefined ? [] : [String(error)];
  return [...(error.stack ?? error.message).split('\n'), ...stackLines(error.cause)];
}
