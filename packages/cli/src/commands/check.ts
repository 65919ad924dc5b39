import { checkSha256, expectSha256 } from '@muster/core';
import type { Command } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { chooseCheck, loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { fields } from '../render/fields.js';
import type { CheckTestOptions } from './check-test.js';

export function addCheckCommands(program: Command, perform: Perform): void {
  const check = program.command('check').description('write the questions that a backup must answer');

  check
    .command('test')
    .description(
      'ask one check in a scratch that is kept up: its row, verdict, time, and what the server said',
    )
    .argument('<id>', 'the check')
    .option('--source <slug>', 'whose scratch (may be left out where there is one source)')
    .option('--watch', 'ask again whenever the configuration changes')
    .option('--restore', 'restore the newest backup for this, where no scratch is kept')
    .addHelpText(
      'after',
      `
Examples:
  $ muster drill run --source prod-db --keep 1h         in one terminal
  $ muster check test recent-orders --source prod-db --watch     in another

Exit codes: 0 pass · 1 fail · 2 error · 64 usage or configuration, or no scratch is kept.`,
    )
    .action((id: string, options: CheckTestOptions, command: Command) =>
      perform(command, async (cli) => (await import('./check-test.js')).checkTest(cli, id, options)),
    );

  check
    .command('hash')
    .description('the hashes by which receipts name a check and its expectation')
    .argument('<id>', 'the check')
    .addHelpText('after', '\nExample:\n  $ muster check hash recent-orders')
    .action((id: string, _options: object, command: Command) =>
      perform(command, (cli) => checkHash(cli, id)),
    );
}

async function checkHash(cli: Cli, id: string): Promise<number> {
  const check = chooseCheck(await loadConfig(cli), id);
  const hashes = { check_sha256: checkSha256(check), expect_sha256: expectSha256(check.expect) };
  cli.output.result({ id, ...hashes }, () => fields(Object.entries(hashes), cli.output.style));
  return EXIT.pass;
}
