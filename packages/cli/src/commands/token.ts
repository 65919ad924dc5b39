import { MusterError, ROLES } from '@muster/core';
import { type Command, Option } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { EXIT } from '../problem.js';

interface TokenOptions {
  readonly name: string;
  readonly role: string;
}

/** Tokens of the API. */
export function addTokenCommands(program: Command, perform: Perform): void {
  const token = program.command('token').description('tokens of the API');
  token
    .command('generate')
    .description('makes a token, and the line for api.tokens; it is kept nowhere')
    .option('--name <name>', 'whose it is, for logs and plans', 'ci')
    .addOption(
      new Option('--role <role>', 'viewer sees, operator also asks for drills, admin does all')
        .choices(ROLES)
        .default('operator'),
    )
    .addHelpText('after', '\nExample:\n  $ muster token generate --name grafana --role viewer')
    .action((options: TokenOptions, command: Command) => perform(command, (cli) => generate(cli, options)));
}

async function generate({ output }: Cli, { name, role }: TokenOptions): Promise<number> {
  if (!/^[a-z0-9-]+$/.test(name)) {
    throw new MusterError('usage', '--name takes lower-case letters, digits and hyphens.');
  }
  const { makeToken } = await import('@muster/api');
  const { token, sha256 } = makeToken();
  output.result({ token, name, role, sha256 }, () => [
    token,
    ...(output.quiet
      ? []
      : ['', 'Its line in the configuration:', `  - { name: ${name}, role: ${role}, sha256: ${sha256} }`]),
  ]);
  return EXIT.pass;
}
