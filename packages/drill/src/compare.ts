import {
  compareFidelity,
  type FidelityManifest,
  type FidelityRecord,
  fidelityUnavailable,
  MusterError,
  type Unavailable,
} from '@muster/core';
import type { DrillRequest } from './drill-ports.js';
import { explain, type Launched } from './launch.js';
import type { Located, LocatedFile } from './locate.js';
import type { Phases } from './phases.js';
import { askedOf, type Recordings } from './recordings.js';
import type { Seen } from './seen.js';

/**
 * The phase `compare`, before anything is asked that may write: what was recorded of the databases when they were dumped is
 * held against what the scratch holds. There is none where nothing was recorded, and nobody asked for it.
 */
export async function compare(
  request: DrillRequest,
  {
    located,
    launched,
    recordings,
  }: { readonly located: Located; readonly launched: Launched; readonly recordings: Recordings },
  seen: Seen,
  phases: Phases,
): Promise<void> {
  const { source } = request;
  const record = located.kind === 'file' && source.fidelity.level !== 'off' ? located.record : undefined;
  const isAsked = askedOf(source) !== undefined;
  if (located.kind === 'live' && !isAsked) return;
  if (located.kind === 'file' && record === undefined) {
    const isSet = located.artefact.form === 'repository';
    if (isAsked) seen.fidelity = fidelityUnavailable(isSet ? 'no_snapshot' : 'no_manifest');
    return;
  }
  await phases.run(
    { name: 'compare', limitMs: source.limits.restore, lost: launched.lost },
    async (signal) => {
      const expected =
        located.kind === 'live'
          ? await recordings.recorded(signal)
          : await recordedBeside(record, located, seen, signal);
      seen.fidelity = await comparison(launched, request, expected, seen, signal);
    },
  );
}

async function comparison(
  launched: Launched,
  { source }: DrillRequest,
  expected: FidelityManifest | Unavailable | undefined,
  { restored }: Seen,
  signal: AbortSignal,
): Promise<FidelityRecord> {
  if (expected === undefined) return fidelityUnavailable('no_manifest');
  if (typeof expected === 'string') return fidelityUnavailable(expected);
  const { budgetMs, sentinels } = source.fidelity;
  const asked = { level: expected.level, budgetMs, sentinels };
  const found = await launched.server
    .recordFidelity(restored?.databases ?? [], asked, signal)
    .catch((error) => explain(launched, source, error, signal));
  return compareFidelity(expected, found);
}

/** What lies beside the backup is of these bytes, or of others: then these are not those that were taken. */
async function recordedBeside(
  read: LocatedFile['record'],
  { id }: Located,
  { examined }: Seen,
  signal: AbortSignal,
): Promise<FidelityManifest | Unavailable | undefined> {
  const record = await read?.(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof MusterError) return 'failed' as const;
    throw error;
  });
  if (record === 'failed') return 'failed';
  if (record === 'unreadable' || record === undefined || record.backup.id !== id) return 'malformed';
  if (record.backup.sha256 !== examined?.sha256) {
    throw new MusterError(
      'checksum_mismatch',
      `The backup does not match the SHA-256 in ${id}.muster.json, which Muster wrote beside it. Look at how it was copied, or take another.`,
    );
  }
  return record.fidelity;
}

/** What differs, for people: names and counts. */
export function differenceMessage({ differences = [], more = 0 }: FidelityRecord): string {
  const told = differences
    .slice(0, NAMED)
    .map(({ what, part, name, difference, expected, found }) =>
      difference === 'rows'
        ? `${name} has ${found} rows, not ${expected}`
        : `${part ?? what} ${name}: ${DIFFERS[difference]}`,
    );
  const others = differences.length - told.length + more;
  return `What came back is not what was recorded when the backup was taken: ${told.join('; ')}${others > 0 ? `; and ${others} more` : ''}.`;
}

const NAMED = 10;
const DIFFERS = {
  missing: 'missing',
  unexpected: 'not expected',
  rows: 'another count of rows',
  content: 'other content',
  value: 'another value',
  definition: 'defined otherwise',
} as const;
