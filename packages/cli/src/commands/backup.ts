import type { Command } from 'commander';
import type { Perform } from '../cli.js';
import type { BackupInfoOptions } from './backup-info.js';
import type { BackupListOptions } from './backup-list.js';
import type { BackupManifestOptions } from './backup-manifest.js';
import type { BackupPruneOptions } from './backup-prune.js';
import type { BackupTakeOptions } from './backup-take.js';

/** What reads and writes backups is loaded only by the command that does. */
export function addBackupCommands(program: Command, perform: Perform): void {
  const backup = program.command('backup').description('take backups, and see those that there are');

  backup
    .command('take')
    .description('take one backup into the place where those of the source are, here and now')
    .option('--source <slug>', 'of which source (may be left out where there is one)')
    .option('--type <type>', 'pgbackrest: full, diff or incr (default: take.type of the source)')
    .addHelpText(
      'after',
      `
It becomes visible whole, or not at all: see docs/take.md.

Examples:
  $ muster backup take --source prod-db
  $ muster backup take --source warehouse --type full
  $ muster backup take --json | jq -r .id

Exit codes: 0 taken · 2 error: no backup was left · 64 usage or configuration.`,
    )
    .action((options: BackupTakeOptions, command: Command) =>
      perform(command, async (cli) => (await import('./backup-take.js')).backupTake(cli, options)),
    );
  backup
    .command('list')
    .description('the backups that there are, whoever took them, and what their last drills found')
    .option('--source <slug>', 'of this source only')
    .addHelpText('after', '\nExample:\n  $ muster backup list --source prod-db')
    .action((options: BackupListOptions, command: Command) =>
      perform(command, async (cli) => (await import('./backup-list.js')).backupList(cli, options)),
    );

  backup
    .command('info')
    .description('all that is known of one backup')
    .argument('<id>', 'its id, as muster backup list has it')
    .option('--source <slug>', 'of which source (may be left out where there is one)')
    .addHelpText('after', '\nExample:\n  $ muster backup info shop_20261121T000000Z.dump --source prod-db')
    .action((id: string, options: BackupInfoOptions, command: Command) =>
      perform(command, async (cli) => (await import('./backup-info.js')).backupInfo(cli, id, options)),
    );

  backup
    .command('prune')
    .description('delete those that Muster took and that take.retain of the source does not keep')
    .option('--source <slug>', 'of which source (may be left out where there is one)')
    .option('--dry-run', 'say what is kept and why, and what would go; delete nothing')
    .option('--unproven', 'also where none of the backups that are there has passed a drill')
    .addHelpText(
      'after',
      `
What others wrote, the newest that passed its drill, what a drill may be reading and what is being written are
never deleted: see docs/retention.md.

Example:
  $ muster backup prune --source prod-db --dry-run

Exit codes: 0 done · 2 error: nothing more was deleted · 64 usage or configuration, take.retain missing.`,
    )
    .action((options: BackupPruneOptions, command: Command) =>
      perform(command, async (cli) => (await import('./backup-prune.js')).backupPrune(cli, options)),
    );
  backup
    .command('manifest')
    .description('record what the database is that somebody else took a backup of, for drills to compare')
    .requiredOption('--backup <id>', 'which backup')
    .option('--source <slug>', 'of which source (may be left out where there is one)')
    .option(
      '--from <uri-ref>',
      'env:NAME or file:PATH with the URI of a quiet replica (default: the connection)',
    )
    .addHelpText(
      'after',
      `
The database must be what it was when the backup was taken, and nobody may write to it meanwhile: such as a replica
whose replay is paused. The record lies beside the backup: see docs/fidelity.md.

Example:
  $ muster backup manifest --source prod-db --backup prod_20261121.dump --from env:REPLICA_URI

Exit codes: 0 recorded · 2 error: nothing was written · 64 usage or configuration.`,
    )
    .action((options: BackupManifestOptions, command: Command) =>
      perform(command, async (cli) => (await import('./backup-manifest.js')).backupManifest(cli, options)),
    );
}
