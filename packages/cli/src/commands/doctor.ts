import { type Command, Option } from 'commander';
import type { Perform } from '../cli.js';
import type { DoctorOptions } from './doctor-run.js';
import { addRestorePointOptions } from './restore-point-options.js';

export function addDoctorCommand(program: Command, perform: Perform): void {
  const command = program
    .command('doctor')
    .description('all that a drill needs of this machine: what is there, what is missing, how to get it')
    .option('--source <slug>', 'this source only, and all that is known of its next drill beforehand')
    .addOption(
      new Option('--schedule <name>', 'the backup that this schedule of the source means').conflicts([
        'backup',
        'oldest',
        'at',
        'random',
      ]),
    );
  addRestorePointOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ muster doctor --source prod-db\n\nExit codes: 0 a drill can run · 1 it would fail, by what is known of the backups\n  2 something is missing · 64 usage or configuration.',
    )
    .action((options: DoctorOptions, command: Command) =>
      perform(command, async (cli) => (await import('./doctor-run.js')).doctor(cli, options)),
    );
}
