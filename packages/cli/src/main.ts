import { thisEnvironment } from './environment.js';
import { run } from './run.js';

// A reader that closes early (`muster … | head`) is no fault of the command.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
// The channel of bin/muster.mjs is there to notice its end, and must not keep this process alive.
process.channel?.unref();

const code = await run(process.argv.slice(2), thisEnvironment(), process, process);
// What a library left open (a pooled connection) must not hold up a command that is done.
process.exit(code);
