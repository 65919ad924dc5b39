import { Console } from 'node:console';
import { thisEnvironment } from './environment.js';
import { asMusterError, EXIT, exitCodeOf } from './problem.js';
import { run } from './run.js';
import { printable } from './terminal/printable.js';

// Nothing but a result goes to stdout, also where a library speaks (OTEL_LOG_LEVEL=debug).
globalThis.console = new Console(process.stderr);

// Node's own exit code for what nobody caught is that of a backup that failed.
process.on('uncaughtException', (thrown) => {
  const error = asMusterError(thrown);
  const more = process.env['MUSTER_DEBUG'] === '1' ? `\n${thrown.stack}` : '';
  process.stderr.write(`muster: ${printable(error.message)}${more}\n`);
  process.exit(exitCodeOf(error));
});

let unsaid = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that closes early (`muster … | head`) is no fault of the command.
  if (error.code === 'EPIPE') return;
  unsaid = true;
  process.stderr.write(`muster: The result could not be written to stdout (${error.code}).\n`);
});
// What is said beside the result may be lost, the verdict not.
process.stderr.on('error', () => {});
// The channel of bin/muster.mjs is there to notice its end, and must not keep this process alive.
process.channel?.unref();

// Limits of waits do not keep a process alive; while Docker is away nothing else may be left, and Node would end in the middle.
const running = setInterval(() => {}, 60_000);
const code = await run(process.argv.slice(2), thisEnvironment(), process, process);
clearInterval(running);
// The streams tell of their faults a moment later.
await new Promise(setImmediate);
// What a library left open (a pooled connection) must not hold up a command that is done.
process.exit(unsaid && code === EXIT.pass ? EXIT.error : code);
