import { type Command, Option } from 'commander';
import type { Perform } from '../cli.js';
import type { RestoreOptions } from './restore-run.js';

export function addRestoreCommand(program: Command, perform: Perform): void {
  program
    .command('restore')
    .description('the emergency: restore a backup into a real server, then ask it the checks')
    .option('--source <slug>', 'whose backup (may be left out where there is one source)')
    .option('--backup <id>', 'this backup (default: the newest)')
    .addOption(
      new Option('--from <place>', 'a file, a directory or s3://…, without any configuration').conflicts([
        'source',
        'backup',
      ]),
    )
    .option('--decrypt <ref>', 'with --from: the age key that opens it, env:NAME or file:PATH')
    .option('--into <ref>', 'where the connection URI of the target is: env:NAME or file:PATH')
    .addOption(
      new Option(
        '--into-directory <dir>',
        'of pgBackRest: the data directory, whose server is stopped',
      ).conflicts(['from', 'into']),
    )
    .option('--delta', 'with --into-directory: keep the files there that are right')
    .option('--at <point>', 'with --into-directory: RFC 3339, -2h, xid:N, name:X or lsn:X/Y')
    .option('--clean', 'replace what is in the target')
    .option('--yes', 'do not ask for the name of the target')
    .option('--disconnect', 'end the sessions of others in the target')
    .option('--wait <duration>', 'how long sessions of others are waited for', '1m')
    .option('--jobs <n>', 'so many processes restore at once (default: as many as processors)')
    .addHelpText(
      'after',
      `
What is there stays as it was until the backup is whole in a database beside it; then the two change names.
docs/runbook.md is the page for three in the morning.

Examples:
  $ muster restore --source prod-db --into env:TARGET_URI
  $ muster restore --from /backups/prod_2026-11-20.dump --into env:TARGET_URI --clean
  $ muster restore --from s3://backups/prod/ --into file:/root/target.uri --yes
  $ muster restore --source prod-pgbr --into-directory /var/lib/postgresql/15/main --delta --at 2026-11-21T02:55:00Z

Exit codes: 0 restored, and the checks pass · 1 the backup is bad, or a check fails · 2 error · 64 usage or configuration.`,
    )
    .action((options: RestoreOptions, command: Command) =>
      perform(command, async (cli) =>
        options.intoDirectory === undefined
          ? (await import('./restore-run.js')).restoreRun(cli, options)
          : (await import('./restore-directory.js')).restoreDirectory(cli, options),
      ),
    );
}
