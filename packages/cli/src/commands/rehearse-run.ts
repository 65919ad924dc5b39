import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errnoOf, formatDuration, MusterError, type RehearsalPhase, type Source } from '@muster/core';
import type { RehearsalEvent, RehearsalRequest } from '@muster/drill';
import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { chooseSource, loadConfig } from '../load-config.js';
import { type PerformedRehearsal, performRehearsal } from '../perform-rehearsal.js';
import { EXIT } from '../problem.js';
import { rehearsalLines } from '../render/rehearsal.js';

export interface RehearseOptions {
  readonly source?: string;
  readonly report?: string;
}

/** `muster rehearse`: exit code by its result. */
export async function rehearseRun(cli: Cli, options: RehearseOptions): Promise<number> {
  const loaded = await loadConfig(cli);
  const source = rehearsable(chooseSource(loaded, options.source));
  const stopping = () =>
    cli.output.note('Stopping: the servers of the rehearsal go. Once more leaves at once.');
  return await interruptible(cli.process, stopping, async (signal) => {
    const performed = await performRehearsal(cli, loaded, source, (event) => tell(cli, event), signal);
    const receipt = `${loaded.evidence.store.location}/${performed.key}`;
    const report = reportOf(performed, receipt);
    if (options.report !== undefined) await write(cli, options.report, report);
    cli.output.result(report, () => rehearsalLines(performed, receipt, cli.output));
    return EXIT[performed.predicate.result];
  });
}

function rehearsable(source: Source): RehearsalRequest['source'] {
  const { slug, rehearse, take } = source;
  if (rehearse === undefined)
    throw new MusterError(
      'usage',
      `The source "${slug}" has no rehearse: say there what stands in for production (rehearse: { migrate: [schema.sql], seed: [...] }).`,
    );
  if (take === undefined)
    throw new MusterError(
      'usage',
      `The source "${slug}" has no take, so nobody knows how its backups are taken: take: {} is enough.`,
    );
  return { ...source, rehearse };
}

const WORDS: Readonly<Record<RehearsalPhase, string>> = {
  prepare: 'making what stands in for production',
  seed: 'seeding rows',
  record: 'recording what is there',
  take: 'taking a backup',
  destroy: 'destroying the data',
  restore: 'restoring the backup',
  compare: 'comparing',
};

function tell({ output }: Cli, { phase, ended }: RehearsalEvent): void {
  const failed = ended?.outcome === 'failed' && `failed after ${formatDuration(ended.duration_ms)}`;
  if (ended === undefined) output.note(`${WORDS[phase]} …`);
  else if (failed) output.note(`${WORDS[phase]} ${failed}`);
}

/** What scripts read. */
function reportOf({ predicate, message }: PerformedRehearsal, receipt: string): object {
  const { phases, source, restore_success: success, ...rest } = predicate;
  const total = Date.parse(predicate.ended_at) - Date.parse(predicate.started_at);
  return {
    restore_success: success,
    source: source.slug,
    kind: source.kind,
    ...rest,
    durations_ms: { ...Object.fromEntries(phases.map((one) => [one.name, one.duration_ms])), total },
    ...(message !== undefined && { message }),
    receipt,
  };
}

async function write({ environment }: Cli, file: string, report: object): Promise<void> {
  try {
    await writeFile(resolve(environment.cwd, file), `${JSON.stringify(report, undefined, 2)}\n`);
  } catch (cause) {
    throw new MusterError(
      'evidence_unwritable',
      `The report could not be written to ${file} (${errnoOf(cause) ?? 'unknown fault'}): name another place with --report. The receipt is kept.`,
      { cause },
    );
  }
}
