import { PASS_RULE } from '@muster/core';
import type { Command } from 'commander';
import type { Perform } from '../cli.js';
import { viaApi } from '../fleet/via-api.js';
import type { DrillEnqueueOptions } from './drill-enqueue.js';
import { type DrillListOptions, drillList } from './drill-list.js';
import type { DrillRunOptions } from './drill-run.js';
import { type DrillShowOptions, drillShow } from './drill-show.js';
import { addRestorePointOptions } from './restore-point-options.js';

/** In lines of a terminal. */
const PASS_RULE_FOLDED = PASS_RULE.replace(/(.{1,100})(?: |$)/g, '$1\n').trimEnd();

/** What starts servers is loaded only by the command that does: it takes longer to load than most commands run. */
export function addDrillCommands(program: Command, perform: Perform): void {
  const drill = program.command('drill').description('prove that a backup restores');

  addRestorePointOptions(drill.command('run'))
    .description('restore one backup, ask it its checks, sign what was seen: here and now')
    .option('--source <slug>', 'whose backup (may be left out where there is one source)')
    .option('--schedule <name>', 'with the restore point and the checks of this schedule of the source')
    .option('--receipt <file>', 'also write the receipt to this file')
    .option('--keep <duration>', 'hold the scratch for so long after the verdict, e.g. 1h')
    .addHelpText(
      'after',
      `
${PASS_RULE_FOLDED}

Examples:
  $ muster drill run --source prod-db
  $ muster drill run --source prod-db --backup prod_2026-11-20.dump --keep 1h
  $ muster drill run --source prod-db --random --days 14
  $ muster drill run --source prod-db --at 2026-11-20T03:00:00Z
  $ muster drill run --json > drill.json

Exit codes: 0 pass · 1 fail: the backup is bad · 2 error: it could not be judged · 64 usage or configuration.`,
    )
    .action((options: DrillRunOptions, command: Command) =>
      perform(command, async (cli) => (await import('./drill-run.js')).drillRun(cli, options)),
    );

  addRestorePointOptions(drill.command('enqueue'))
    .description('ask the fleet for a drill: whichever worker of the pool is free takes it')
    .option('--source <slug>', 'whose backup (may be left out where there is one source)')
    .option('--pool <name>', "workers of this pool (default: the source's)")
    .option('--watch', 'follow it until its receipt is stored')
    .addHelpText(
      'after',
      `\n${PASS_RULE_FOLDED}\n\nExample:\n  $ muster drill enqueue --source prod-db --watch`,
    )
    .action((options: DrillEnqueueOptions, command: Command) =>
      perform(command, (cli) =>
        viaApi(
          cli,
          ({ enqueue }, api) => enqueue(cli, api, options),
          async () => (await import('./drill-enqueue.js')).drillEnqueue(cli, options),
        ),
      ),
    );

  drill
    .command('watch')
    .description("follow a fleet's drill until its receipt is stored; exit code by the verdict")
    .argument('<id>', 'the drill, drl_…')
    .addHelpText('after', '\nExample:\n  $ muster drill watch drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C')
    .action((id: string, _options: object, command: Command) =>
      perform(command, (cli) =>
        viaApi(
          cli,
          ({ watch }, api) => watch(cli, api, id),
          async () => (await import('./drill-watch.js')).drillWatch(cli, id),
        ),
      ),
    );

  drill
    .command('cancel')
    .description("end a fleet's drill, wherever it is; it leaves a receipt that says so")
    .argument('<id>', 'the drill, drl_…')
    .addHelpText('after', '\nExample:\n  $ muster drill cancel drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C')
    .action((id: string, _options: object, command: Command) =>
      perform(command, (cli) =>
        viaApi(
          cli,
          ({ cancel }, api) => cancel(cli, api, id),
          async () => (await import('./drill-cancel.js')).drillCancel(cli, id),
        ),
      ),
    );

  drill
    .command('list')
    .description('the drills that are under way in the fleet, and those whose receipts are stored')
    .option('--source <slug>', 'of this source only')
    .addHelpText('after', '\nExample:\n  $ muster drill list --source prod-db')
    .action((options: DrillListOptions, command: Command) =>
      perform(command, (cli) =>
        viaApi(
          cli,
          ({ list }, api) => list(cli, api, options),
          () => drillList(cli, options),
        ),
      ),
    );

  drill
    .command('show')
    .description('the receipt of one drill, verified and told for people')
    .argument('<id>', 'the drill, drl_…')
    .option('--output', 'what tools and servers printed instead: kept 7 days where the drill ran')
    .addHelpText('after', '\nExample:\n  $ muster drill show drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C --output')
    .action((id: string, options: DrillShowOptions, command: Command) =>
      perform(command, (cli) => {
        const here = () => drillShow(cli, id, options);
        // What was printed lies on this machine alone.
        return options.output ? here() : viaApi(cli, ({ show }, api) => show(cli, api, id), here);
      }),
    );
}
