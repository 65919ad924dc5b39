import { Console } from 'node:console';
import { Writable } from 'node:stream';
import type { Logger } from '@muster/telemetry';
import { thisEnvironment } from './environment.js';
import { asMusterError, EXIT, exitCodeOf } from './problem.js';
import { run } from './run.js';
import { printable } from './terminal/printable.js';

/** Of a service whose log is JSON: then all that is said is lines of it. */
let log: Logger | undefined;
const onLog = (to: Logger): void => {
  log = to;
  // Node's own listener writes plain lines.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') to.warn(`${name}: ${message}`);
  });
};

// Nothing but a result goes to stdout, also where a library speaks (OTEL_LOG_LEVEL=debug).
globalThis.console = new Console(
  new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      if (log === undefined) process.stderr.write(text);
      else log.warn(text.trimEnd());
      done();
    },
  }),
);

// Node's own exit code for what nobody caught is that of a backup that failed.
process.on('uncaughtException', (thrown) => {
  const error = asMusterError(thrown);
  const more = process.env['MUSTER_DEBUG'] === '1' ? `\n${thrown.stack}` : '';
  if (log === undefined) process.stderr.write(`muster: ${printable(error.message)}${more}\n`);
  else log.error(`it ends${more}`, error);
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
const code = await run(
  process.argv.slice(2),
  thisEnvironment(),
  { stdout: process.stdout, stderr: process.stderr, onLog },
  process,
);
clearInterval(running);
// The streams tell of their faults a moment later.
await new Promise(setImmediate);
// What a library left open (a pooled connection) must not hold up a command that is done.
process.exit(unsaid && code === EXIT.pass ? EXIT.error : code);
