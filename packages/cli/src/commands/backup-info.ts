import { formatSize, type LastDrill, MusterError } from '@muster/core';
import { drillsOf } from '../catalogue-drills.js';
import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { chooseSource, loadConfig } from '../load-config.js';
import { asMusterError, EXIT } from '../problem.js';
import { chainText, drillText, ORIGINS } from '../render/backups.js';
import { fields } from '../render/fields.js';
import { sourceCatalogue } from '../source-catalogue.js';
import { ago } from '../terminal/clock.js';
import { printable } from '../terminal/printable.js';
import { ageOf } from './backup-list.js';

export interface BackupInfoOptions {
  readonly source?: string;
}

/** Of one backup, so many are told. */
const MOST_DRILLS = 10;

/** `muster backup info ID`. */
export async function backupInfo(cli: Cli, id: string, options: BackupInfoOptions): Promise<number> {
  return await interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const { output, environment } = cli;
      const loaded = await loadConfig(cli);
      const source = chooseSource(loaded, options.source);
      const { slug } = source;
      const catalogued = await sourceCatalogue(environment, source, signal);
      if (catalogued === undefined)
        throw new MusterError('usage', `The source "${slug}" is dumped live: it keeps no backups.`);
      const backup = catalogued.backups.find((one) => one.id === id);
      if (backup === undefined) {
        throw new MusterError(
          'no_backup',
          `No backup of the id ${JSON.stringify(id)} is in ${catalogued.location}: muster backup list --source ${slug} tells what there is.`,
        );
      }
      const neededBy = catalogued.backups.flatMap((one) => (one.set?.chain.includes(id) ? [one.id] : []));
      const drills = await drillsOf(cli, loaded.evidence, source, [backup], MOST_DRILLS, signal)
        .then((found) => found.get(id) ?? [])
        .catch((error: unknown): readonly LastDrill[] | undefined => {
          signal.throwIfAborted();
          output.note(`What drills found of it is not known. ${asMusterError(error).message}`);
          return undefined;
        });
      const now = environment.now();
      const document = {
        source: slug,
        ...backup,
        age_s: ageOf(backup, now),
        ...(neededBy.length > 0 && { needed_by: neededBy }),
        ...(drills && { drills }),
      };
      output.result(document, () => {
        const { style } = output;
        const { set, take } = backup;
        const wal = set?.wal;
        return fields(
          [
            ['backup', printable(backup.id)],
            ['source', slug],
            ['location', printable(backup.location)],
            [
              'made',
              `${backup.created_at} (${ago(new Date(backup.created_at), now)}; from its ${backup.created_at_from})`,
            ],
            ['size', backup.size_bytes === undefined ? undefined : formatSize(backup.size_bytes)],
            ['format', backup.format && printable(backup.format)],
            ['server', backup.server_version && printable(backup.server_version)],
            ['tool', backup.tool_version && printable(backup.tool_version)],
            ['state', backup.state === 'writing' ? 'it is being written' : undefined],
            ['needs', set && set.chain.length > 0 ? chainText(backup) : undefined],
            ['needed by', neededBy.map(printable)],
            ['WAL', wal && `${printable(wal.archive)}: ${wal.start} to ${wal.stop}`],
            ['pages', set?.has_page_errors && 'did not all fit their checksums when it was made'],
            ['taken by', ORIGINS[backup.origin] || undefined],
            ['take', take && `${take.id}, ${take.trigger.kind}, ${take.started_at} to ${take.ended_at}`],
            ['sha256', backup.sha256],
            ['fidelity', backup.fidelity],
            ['drills', drillLines(drills, style)],
          ],
          style,
        );
      });
      return EXIT.pass;
    },
  );
}

function drillLines(
  drills: readonly LastDrill[] | undefined,
  style: Cli['output']['style'],
): readonly string[] | undefined {
  if (drills?.length === 0) return ['none is known'];
  return drills?.map((drill) => {
    const { text, paint } = drillText(drill, style);
    return `${paint?.(text) ?? text}  ${style.dim(drill.id)}`;
  });
}
