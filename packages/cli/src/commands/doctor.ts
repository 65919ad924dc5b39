import type { Command } from 'commander';
import type { Perform } from '../cli.js';
import type { DoctorOptions } from './doctor-run.js';

export function addDoctorCommand(program: Command, perform: Perform): void {
  program
    .command('doctor')
    .description('all that a drill needs of this machine: what is there, what is missing, how to get it')
    .option('--source <slug>', 'this source only; a live one is asked whether it answers')
    .addHelpText(
      'after',
      '\nExample:\n  $ muster doctor --source prod-db\n\nExit codes: 0 a drill can run · 2 something is missing · 64 usage.',
    )
    .action((options: DoctorOptions, command: Command) =>
      perform(command, async (cli) => (await import('./doctor-run.js')).doctor(cli, options)),
    );
}
