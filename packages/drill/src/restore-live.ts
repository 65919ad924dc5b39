import { MusterError, sha256 } from '@muster/core';
import type { Artefact, Examined, LiveDumper, LiveFacts, RestoreReport } from '@muster/engines';
import type { Launched } from './launch.js';
import type { Located } from './locate.js';
import type { Recordings } from './recordings.js';

/** A report of what flowed, with its name as a file and its digest. */
interface LiveReport {
  readonly name: string;
  readonly report: RestoreReport & { readonly examined: Examined };
}

/** Dumps one database of the source after the other, each straight into the scratch. */
export async function restoreLive(
  dumper: LiveDumper,
  { uri, live, others }: Extract<Located, { kind: 'live' }>,
  { host, base }: Pick<Launched, 'host' | 'base'>,
  restoring: (artefact: Artefact) => Promise<RestoreReport>,
  recordings: Pick<Recordings, 'during'>,
  signal: AbortSignal,
): Promise<LiveReport['report']> {
  const restored = (facts: LiveFacts): Promise<LiveReport> =>
    recordings.during(facts, (snapshot) => restoredFrom(facts, snapshot), signal);
  const restoredFrom = async (facts: LiveFacts, snapshot?: string): Promise<LiveReport> => {
    const artefact = dumper.dump(uri, facts, host, base, snapshot === undefined ? {} : { snapshot });
    const report = await restoring(artefact);
    const { examined } = report;
    if (examined === undefined)
      throw new MusterError('internal_error', 'A live dump was restored without its digest.');
    const warnings = [...report.warnings, ...(artefact.warnings ?? [])];
    return { name: artefact.name, report: { ...report, examined, warnings } };
  };
  const all = [await restored(live)];
  for (const facts of others) all.push(await restored(facts));
  return together(all);
}

/** Several dumps have the digest of a directory that holds them: that of the lines of `sha256sum`, sorted by name. */
function together(all: readonly LiveReport[]): LiveReport['report'] {
  const [first, ...rest] = all;
  if (first === undefined) throw new MusterError('internal_error', 'No database was dumped.');
  if (rest.length === 0) return first.report;
  const lines = all
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map(({ name, report }) => `${report.examined.sha256.slice('sha256:'.length)}  ${name}\n`);
  const each = all.map(({ report }) => report);
  const sum = (of: (report: LiveReport['report']) => number) =>
    each.reduce((total, report) => total + of(report), 0);
  return {
    ...first.report,
    databases: each.flatMap(({ databases }) => databases),
    bytes: sum(({ bytes }) => bytes),
    objects: sum(({ objects }) => objects ?? 0),
    warnings: each.flatMap(({ warnings }) => warnings),
    examined: { sha256: sha256(lines.join('')), sizeBytes: sum(({ examined }) => examined.sizeBytes) },
  };
}
