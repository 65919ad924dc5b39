import type { Command } from 'commander';
import type { Perform } from '../cli.js';
import type { WorkerOptions } from './worker-run.js';

/** The services of a fleet, and all of them at once. */
export function addServiceCommands(program: Command, perform: Perform): void {
  program
    .command('up')
    .description('a whole fleet on this machine: what the configuration does not name is embedded')
    .option('--concurrency <n>', 'drills of each pool at the same time', '1')
    .option('--grace <duration>', 'how long drills may take to end when it stops', '10m')
    .addHelpText(
      'after',
      `
Redis is embedded where redis.url is absent, the index where index.url is. SIGHUP reads the configuration again.
With its own Redis it serves every pool in force, with another the pool default: others are for hosts that have the backups.

Example:
  $ muster up --concurrency 2`,
    )
    .action((options: WorkerOptions, command: Command) =>
      perform(command, async (cli) => (await import('./up.js')).up(cli, options)),
    );
  program
    .command('producer')
    .description('asks for the drills that are due; SIGHUP reads the configuration again')
    .addHelpText('after', '\nExample:\n  $ muster producer --config /etc/muster/muster.yaml')
    .action((_options: object, command: Command) =>
      perform(command, async (cli) => (await import('./producer-run.js')).producerRun(cli)),
    );
  program
    .command('worker')
    .description('takes drills of one pool; needs no configuration file where MUSTER_REDIS_URL is set')
    .option('--pool <name>', 'whose drills', 'default')
    .option('--concurrency <n>', 'drills at the same time', '1')
    .option(
      '--grace <duration>',
      'how long drills may take to end after SIGTERM; then they are given back',
      '10m',
    )
    .addHelpText('after', '\nExample:\n  $ muster worker --pool eu --concurrency 2')
    .action((options: WorkerOptions, command: Command) =>
      perform(command, async (cli) => (await import('./worker-run.js')).workerRun(cli, options)),
    );
  program
    .command('api')
    .description('serves the HTTP API: drills, sources, receipts; see /docs there')
    .addHelpText(
      'after',
      `
It listens on api.listen (default 127.0.0.1:7655) for the tokens of api.tokens; where there is none it makes one at each
start, for this machine alone: said on a terminal, else in a file that it names.

Example:
  $ muster api --config /etc/muster/muster.yaml`,
    )
    .action((_options: object, command: Command) =>
      perform(command, async (cli) => (await import('./api-run.js')).apiRun(cli)),
    );
  program
    .command('sink')
    .description('verifies receipts, keeps them in the evidence store, and indexes them')
    .addHelpText('after', '\nExample:\n  $ muster sink --config /etc/muster/muster.yaml')
    .action((_options: object, command: Command) =>
      perform(command, async (cli) => (await import('./sink-run.js')).sinkRun(cli)),
    );
}
