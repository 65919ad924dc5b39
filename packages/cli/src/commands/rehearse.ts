import type { Command } from 'commander';
import type { Perform } from '../cli.js';
import type { RehearseOptions } from './rehearse-run.js';

/** What runs servers is loaded only by the command that does. */
export function addRehearseCommand(program: Command, perform: Perform): void {
  program
    .command('rehearse')
    .description('a disaster, start to end, on servers of its own: seed, back up, destroy, restore, compare')
    .option('--source <slug>', 'which source (may be left out where there is one)')
    .option('--report <file>', 'write the report there too, as JSON')
    .addHelpText(
      'after',
      `
What stands in for production is made from rehearse: of the source. The source's own database is not even connected to,
and no backup of it is read or written: see docs/rehearse.md.

Examples:
  $ muster rehearse --source prod-db
  $ muster rehearse --json | jq -e .restore_success
  $ muster rehearse --source prod-db --report reports/restore_drill_result.json

Exit codes: 0 all came back · 1 fail: something did not · 2 error: it did not come to that · 64 usage or configuration.`,
    )
    .action((options: RehearseOptions, command: Command) =>
      perform(command, async (cli) => (await import('./rehearse-run.js')).rehearseRun(cli, options)),
    );
}
