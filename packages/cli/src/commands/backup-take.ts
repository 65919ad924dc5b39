import type { Taken } from '@muster/backups';
import {
  formatDuration,
  formatSize,
  isMusterError,
  MusterError,
  newTakeId,
  type SetType,
  type Source,
} from '@muster/core';
import type { Cli } from '../cli.js';
import { withSourceHeld } from '../fleet/source-lease.js';
import { interruptible } from '../interruption.js';
import { chooseSource, loadConfig } from '../load-config.js';
import { openOutputLog } from '../output-log.js';
import { createTakeBackup } from '../perform-take.js';
import { stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { takeObserver } from '../render/take-progress.js';
import { printable } from '../terminal/printable.js';

export interface BackupTakeOptions {
  readonly source?: string;
  readonly type?: string;
}

/** `muster backup take`: exit code 0 once the backup lies in its place. */
export async function backupTake(cli: Cli, options: BackupTakeOptions): Promise<number> {
  const { environment, output } = cli;
  const loaded = await loadConfig(cli);
  const source = chooseSource(loaded, options.source);
  const type = typeOf(options.type, source);
  const takeId = newTakeId(environment.now());
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  let printed = false;
  const observer = takeObserver(cli, source.slug);
  return await interruptible(cli.process, observer.interrupted, async (signal) => {
    const take = createTakeBackup(environment, loaded.config);
    const request = { takeId, source, trigger: { kind: 'cli' as const }, ...(type && { type }) };
    const onOutput = (text: string): void => {
      printed = true;
      log.append(takeId, text);
    };
    try {
      const taken = await withSourceHeld(
        cli,
        loaded.config,
        request,
        (held) =>
          take(
            { ...request, isAlone: held.isAlone },
            { onProgress: observer.observe, onOutput },
            held.signal,
          ),
        signal,
      );
      observer.close();
      present(cli, source, taken);
      return EXIT.pass;
    } catch (error) {
      observer.close();
      // What it complained of before its log began was printed to nobody yet.
      if (!printed && isMusterError(error) && error.output?.trim()) onOutput(`${error.output.trim()}\n`);
      if (printed) output.note(`What was printed is in ${log.pathOf(takeId)}`);
      throw error;
    } finally {
      observer.close();
    }
  });
}

const TYPES: readonly SetType[] = ['full', 'diff', 'incr'];

function typeOf(text: string | undefined, { slug, backup }: Source): SetType | undefined {
  if (text === undefined) return undefined;
  const type = TYPES.find((one) => one === text);
  if (type === undefined) throw new MusterError('usage', `--type takes one of ${TYPES.join(', ')}.`);
  if (backup.type === 'pgbackrest') return type;
  throw new MusterError(
    'usage',
    `--type is for pgBackRest: each backup of the source "${slug}" holds all of it.`,
  );
}

function present({ output }: Cli, source: Source, taken: Taken): void {
  const { backupId, location, sizeBytes, startedAt, endedAt, record, swept } = taken;
  const durationMs = Math.max(0, endedAt.getTime() - startedAt.getTime());
  const fidelity = record?.fidelity?.level ?? 'off';
  const document = {
    id: backupId,
    source: source.slug,
    location,
    size_bytes: sizeBytes,
    started_at: startedAt.toISOString(),
    ended_at: endedAt.toISOString(),
    duration_ms: durationMs,
    fidelity,
    ...(record && { sha256: record.backup.sha256 }),
    swept,
  };
  for (const name of swept) output.note(`swept: ${printable(name)}, which a take that died had left`);
  output.result(document, () => {
    const { good, bold, dim } = output.style;
    const facts = [
      formatSize(sizeBytes),
      printable(location),
      `in ${formatDuration(durationMs)}`,
      `fidelity ${fidelity}`,
    ].join(' · ');
    return [`${good('✔')} ${bold(printable(backupId))}  ${dim(facts)}`];
  });
}
