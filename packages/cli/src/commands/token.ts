import type { Command } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { EXIT } from '../problem.js';

/** Tokens of the API. */
export function addTokenCommands(program: Command, perform: Perform): void {
  const token = program.command('token').description('tokens of the API');
  token
    .command('generate')
    .description('makes a token, and the line for api.tokens; it is kept nowhere')
    .addHelpText('after', '\nExample:\n  $ muster token generate')
    .action((_options: object, command: Command) => perform(command, generate));
}

async function generate({ output }: Cli): Promise<number> {
  const { makeToken } = await import('@muster/api');
  const { token, sha256 } = makeToken();
  output.result({ token, sha256 }, () => [
    token,
    ...(output.quiet
      ? []
      : ['', 'Its line in the configuration:', `  - { name: ci, role: operator, sha256: ${sha256} }`]),
  ]);
  return EXIT.pass;
}
