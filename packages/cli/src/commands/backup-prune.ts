import type { Pruned, PrunedBackup } from '@muster/backups';
import { formatSize, newTakeId, type Retain } from '@muster/core';
import type { Cli } from '../cli.js';
import { evidenceDrills } from '../evidence-drills.js';
import { openEvidenceStore } from '../evidence-store.js';
import { interruptible } from '../interruption.js';
import { chooseSource, loadConfig } from '../load-config.js';
import { openOutputLog } from '../output-log.js';
import { pruneBackups } from '../perform-prune.js';
import { stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { keptText } from '../render/kept.js';
import { counted } from '../terminal/counted.js';
import { printable } from '../terminal/printable.js';
import { table } from '../terminal/table.js';

export interface BackupPruneOptions {
  readonly source?: string;
  readonly dryRun?: boolean;
  readonly unproven?: boolean;
}

/** `muster backup prune`: exit code 0, also where all is kept. */
export async function backupPrune(cli: Cli, options: BackupPruneOptions): Promise<number> {
  const { environment, output } = cli;
  const { dryRun = false, unproven = false } = options;
  return await interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const loaded = await loadConfig(cli);
      const source = chooseSource(loaded, options.source);
      const log = await openOutputLog(stateDirectory(environment), environment.now);
      const logged = newTakeId(environment.now()).replace('tak', 'prune');
      const store = openEvidenceStore(loaded.evidence.store, environment);
      const drills = evidenceDrills(store, loaded.evidence, source, environment.now);
      const onOutput = (text: string): void => log.append(logged, text);
      const asked = { source, drills, dryRun, unproven, onOutput };
      const pruned = await pruneBackups(environment, asked, signal);
      for (const id of pruned.broughtBack)
        output.note(`brought back: ${printable(id)}, which a prune that died had taken out`);
      for (const id of pruned.removed)
        output.note(`removed: ${printable(id)}, of which a prune that died had left a part`);
      output.result(documentOf(source.slug, pruned, dryRun), () =>
        linesOf(cli, pruned, source.take?.retain ?? {}, dryRun),
      );
      return EXIT.pass;
    },
  );
}

const documentOf = (
  source: string,
  { location, backups, freedBytes, ...settled }: Pruned,
  dryRun: boolean,
) => ({
  source,
  location,
  dry_run: dryRun,
  backups: backups.map(({ id, createdAt, sizeBytes, outcome, why, detail }) => ({
    ...{ id, created_at: createdAt.toISOString(), size_bytes: sizeBytes, outcome },
    ...(why && { kept_for: why }),
    ...(detail !== undefined && { detail }),
  })),
  freed_bytes: freedBytes,
  brought_back: settled.broughtBack,
  removed_leftovers: settled.removed,
});

function linesOf(
  { output }: Cli,
  { location, backups, freedBytes }: Pruned,
  retain: Retain,
  dryRun: boolean,
): string[] {
  const { style, width } = output;
  if (backups.length === 0) return [`There are no backups in ${printable(location)}.`];
  const words: Readonly<Record<PrunedBackup['outcome'], string>> = {
    kept: 'kept',
    expired: 'would go',
    removed: 'removed',
    gone: 'gone already',
  };
  const rows = backups.map((backup) => [
    { text: printable(backup.id) },
    { text: backup.createdAt.toISOString().slice(0, 16).replace('T', ' '), paint: style.dim },
    { text: formatSize(backup.sizeBytes) },
    { text: words[backup.outcome], ...(backup.outcome !== 'kept' && { paint: style.warn }) },
    { text: printable(keptText(backup, retain)), paint: style.dim },
  ]);
  const went = backups.filter(({ outcome }) => outcome === (dryRun ? 'expired' : 'removed')).length;
  const sum = dryRun
    ? `${counted(went, 'backup')} would go, ${formatSize(freedBytes)}: nothing was deleted`
    : `${counted(went, 'backup')} removed, ${formatSize(freedBytes)} freed`;
  return [
    ...table(
      [
        { title: 'backup', flexible: true },
        { title: 'made (UTC)' },
        { title: 'size', align: 'right' },
        { title: 'outcome' },
        { title: 'why' },
      ],
      rows,
      style,
      width,
    ),
    '',
    sum,
  ];
}
