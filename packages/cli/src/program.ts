import { styleText } from 'node:util';
import { MusterError } from '@muster/core';
import { Command, type CommanderError, Option } from 'commander';
import type { GlobalOptions, Perform } from './cli.js';
import { addBackupCommands } from './commands/backup.js';
import { addCheckCommands } from './commands/check.js';
import { addConfigCommands } from './commands/config.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addDrillCommands } from './commands/drill.js';
import { addIndexCommands } from './commands/index-rebuild.js';
import { addKeysCommands } from './commands/keys.js';
import { addReceiptsCommands } from './commands/receipts.js';
import { addRehearseCommand } from './commands/rehearse.js';
import { addRestoreCommand } from './commands/restore.js';
import { addServiceCommands } from './commands/services.js';
import { addTokenCommands } from './commands/token.js';
import { addVerifyCommand } from './commands/verify.js';
import { musterVersion } from './version.js';

/** The command `muster` with all that it can do. */
export function createProgram(perform: Perform): Command {
  const program = new Command('muster')
    .description('Muster proves that database backups restore.')
    .version(musterVersion(), '--version', 'print the version')
    .addOption(
      new Option('--config <file>', 'the configuration (else MUSTER_CONFIG, ./muster.yaml, ./config.yaml)'),
    )
    .option('--json', 'print one JSON document on stdout and nothing else there')
    .option('--quiet', 'print results and errors only')
    .option('--no-color', 'no colours (also NO_COLOR, and wherever there is no terminal)')
    .helpOption('--help', 'show help')
    .showSuggestionAfterError(true)
    .addHelpText('after', EXAMPLES);
  for (const add of [
    addServiceCommands,
    addDrillCommands,
    addBackupCommands,
    addRehearseCommand,
    addVerifyCommand,
    addReceiptsCommands,
    addRestoreCommand,
    addCheckCommands,
    addConfigCommands,
    addKeysCommands,
    addTokenCommands,
    addIndexCommands,
    addDoctorCommand,
  ])
    add(program, perform);
  for (const command of everyCommand(program)) {
    command
      .exitOverride((error) => explain(error, command))
      .helpCommand(false)
      .helpOption('--help', 'show help');
    command.configureHelp({
      showGlobalOptions: command !== program,
      // The version is a question to muster itself.
      visibleGlobalOptions: () =>
        command === program ? [] : program.options.filter(({ long }) => long !== '--version'),
      styleTitle: (title) => styleText('bold', title, { validateStream: false }),
    });
  }
  return program;
}

export const globalOptions = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

/** What commander says about a command line, as one of our own errors; that help was shown is none. */
function explain(error: CommanderError, command: Command): never {
  if (error.exitCode === 0) throw error;
  const full = nameOf(command);
  const see = `See ${full} --help.`;
  // A group of commands does nothing by itself: commander would print its help as an error.
  if (error.code === 'commander.help') {
    const names = command.commands.map((each) => each.name());
    throw new MusterError('usage', `${full} needs one of: ${names.join(', ')}. ${see}`);
  }
  const [said = '', hint] = error.message.replace(/^error: /, '').split('\n');
  const sentence = `${said.charAt(0).toUpperCase()}${said.slice(1)}`.replace(/\.?$/, '.');
  throw new MusterError('usage', `${sentence} ${hint?.replace(/^\(|\)$/g, '') ?? see}`);
}

const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

const EXAMPLES = `
Examples:
  $ muster drill run --source prod-db      restore the newest backup, ask it the checks, sign the answer
  $ muster verify drl_….sigstore.json      does this receipt stand?
  $ muster doctor                          what is missing on this machine, and how to get it

Environment:
  MUSTER_CONFIG                       the configuration, where --config names none
  MUSTER_STATE_DIR                    what belongs to this machine: its signing key, diagnosis, and what muster up
                                      embeds (else /var/lib/muster for root, ~/.local/state/muster for others)
  MUSTER_REDIS_URL                    the fleet's Redis, where redis.url names none
  MUSTER_API_URL, MUSTER_API_TOKEN    the fleet's API, for muster drill enqueue, list, show, watch and cancel
  MUSTER_LOG_LEVEL                    of services: debug, info, warn, error or silent
  MUSTER_DEBUG=1                      shows the stack of an error

Exit codes: 0 pass or done · 1 fail · 2 error · 64 usage or configuration; verify has its own.`;
