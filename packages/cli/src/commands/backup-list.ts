import { type CatalogueEntry, formatSize, type LastDrill, type Source } from '@muster/core';
import { drillsOf } from '../catalogue-drills.js';
import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { chooseSource, type LoadedConfig, loadConfig } from '../load-config.js';
import { asMusterError, EXIT } from '../problem.js';
import { chainText, drillText, ORIGINS } from '../render/backups.js';
import { sourceCatalogue } from '../source-catalogue.js';
import { ago } from '../terminal/clock.js';
import { printable } from '../terminal/printable.js';
import { table } from '../terminal/table.js';

export interface BackupListOptions {
  readonly source?: string;
}

/** `muster backup list`: exit code 2 where the backups of a source could not be listed; those of the others are. */
export async function backupList(cli: Cli, options: BackupListOptions): Promise<number> {
  return await interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const { output, environment } = cli;
      const loaded = await loadConfig(cli);
      const sources =
        options.source === undefined ? loaded.config.sources : [chooseSource(loaded, options.source)];
      const listed: Listed[] = [];
      for (const source of sources) listed.push(await listOf(cli, loaded, source, signal));
      output.result({ sources: listed.map((one) => documentOf(one, environment.now())) }, () =>
        linesOf(cli, listed),
      );
      return listed.some(({ fault }) => fault !== undefined) ? EXIT.error : EXIT.pass;
    },
  );
}

interface Listed {
  readonly source: Source;
  readonly location?: string;
  readonly backups: readonly Told[];
  /** How many there are. */
  readonly count: number;
  readonly fault?: { readonly code: string; readonly message: string };
}

interface Told extends CatalogueEntry {
  /** Absent where none is known. */
  readonly last_drill?: LastDrill;
}

async function listOf(
  cli: Cli,
  { evidence }: LoadedConfig,
  source: Source,
  signal: AbortSignal,
): Promise<Listed> {
  try {
    const catalogued = await sourceCatalogue(cli.environment, source, signal);
    if (catalogued === undefined) return { source, backups: [], count: 0 };
    const { backups, ...more } = catalogued;
    const drills = await drillsOf(cli, evidence, source, backups, 1, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      const why = asMusterError(error).message;
      cli.output.note(`What drills found of the backups of ${source.slug} is not known. ${why}`);
      return undefined;
    });
    const told = backups.map((backup) => {
      const [last] = drills?.get(backup.id) ?? [];
      return { ...backup, ...(last && { last_drill: last }) };
    });
    return { source, ...more, backups: told };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = asMusterError(error);
    cli.output.alert(`${cli.output.errStyle.bad('muster:')} ${source.slug}: ${printable(message)}`);
    return { source, backups: [], count: 0, fault: { code, message } };
  }
}

const documentOf = ({ source, backups, ...more }: Listed, now: Date) => ({
  source: source.slug,
  kind: source.kind,
  type: source.backup.type,
  ...more,
  backups: backups.map((backup) => ({ ...backup, age_s: ageOf(backup, now) })),
});

export const ageOf = ({ created_at }: CatalogueEntry, now: Date): number =>
  Math.round((now.getTime() - Date.parse(created_at)) / 1000);

function linesOf({ output, environment }: Cli, listed: readonly Listed[]): string[] {
  const { style, width } = output;
  const now = environment.now();
  const several = listed.length > 1;
  const rows = listed.flatMap(({ source, backups }) =>
    backups.map((backup) => [
      { text: several ? source.slug : '' },
      { text: printable(backup.id) },
      { text: backup.created_at.slice(0, 16).replace('T', ' '), paint: style.dim },
      { text: ago(new Date(backup.created_at), now), paint: style.dim },
      { text: backup.size_bytes === undefined ? '' : formatSize(backup.size_bytes) },
      { text: printable(backup.format ?? '') },
      { text: chainText(backup), ...(backup.state === 'writing' && { paint: style.warn }) },
      { text: ORIGINS[backup.origin], paint: style.dim },
      drillText(backup.last_drill, style),
    ]),
  );
  const columns = [
    { title: 'source' },
    { title: 'backup', flexible: true as const },
    { title: 'made (UTC)' },
    { title: 'age' },
    { title: 'size', align: 'right' as const },
    { title: 'format' },
    { title: 'needs' },
    { title: 'by' },
    { title: 'last drill' },
  ];
  return [
    ...(rows.length === 0 ? [] : table(columns, rows, style, width)),
    ...listed.flatMap((one) => remarksOn(one).map((remark) => style.dim(remark))),
  ];
}

function remarksOn({ source: { slug }, location, backups, count, fault }: Listed): readonly string[] {
  if (fault !== undefined) return [`${slug}: its backups could not be listed (${fault.code})`];
  if (location === undefined) return [`${slug} is dumped live for each drill: nothing of it is kept`];
  if (count === 0) return [`${slug}: there are no backups in ${printable(location)}`];
  return count > backups.length ? [`${slug}: ${count - backups.length} older ones are not shown`] : [];
}
