import type { Command } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import { interruptible } from '../interruption.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { readKeyring } from '../read-keyring.js';
import { counted } from '../terminal/counted.js';
import { MARKS } from '../terminal/marks.js';

export function addIndexCommands(program: Command, perform: Perform): void {
  const index = program.command('index').description('receipts as rows to query');
  index
    .command('rebuild')
    .description('make the index anew from the evidence store, which is the truth')
    .addHelpText(
      'after',
      '\nAn embedded index (no index.url) is rebuilt while muster up does not run.\n\nExample:\n  $ muster index rebuild',
    )
    .action((_options: object, command: Command) => perform(command, rebuild));
}

function rebuild(cli: Cli): Promise<number> {
  return interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const { output } = cli;
      const { openIndexForRebuild } = await import('../fleet/rebuild-place.js');
      const { rebuildIndex } = await import('@muster/index');
      const loaded = await loadConfig(cli);
      const keyring = await readKeyring(cli, loaded.evidence.keyring);
      const store = openEvidenceStore(loaded.evidence.store, cli.environment);
      const index = await openIndexForRebuild(cli, loaded, signal);
      try {
        const { indexed, refused } = await rebuildIndex({ store, keyring, index }, signal);
        for (const { key, why } of refused) output.alert(`${key}: left out, ${why}`);
        output.result({ indexed, refused }, () => [
          `${output.style[MARKS.pass.paint](MARKS.pass.mark)} ${index.location}: ${counted(indexed, 'receipt')} indexed, ${refused.length} left out`,
        ]);
        return refused.length === 0 ? EXIT.pass : EXIT.fail;
      } finally {
        await index.close();
      }
    },
  );
}
