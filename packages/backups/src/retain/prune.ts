import type { BackupRecord, Retain, SourceKind } from '@muster/core';
import { mapLimited } from '../map-limited.js';
import type { Backup, BackupRepository } from '../repository.js';
import { type Candidate, type Decision, decide, type KeptFor, type Ownership } from './decide.js';
import type { DrillFacts, LookAtDrills } from './drill-facts.js';
import type { OwnBackups, Settled } from './own-backups.js';

export interface PruneRequest {
  readonly source: { readonly slug: string; readonly kind: SourceKind };
  readonly retain: Retain;
  /** How long a take may last, ms: what a drill may be reading is told by it. */
  readonly takeMs: number;
  /** Nothing is deleted. */
  readonly dryRun: boolean;
  /** A person said so: also where none of the backups has passed a drill. */
  readonly unproven: boolean;
}

export interface PrunePorts {
  readonly repository: BackupRepository;
  readonly own: OwnBackups;
  /** Asked before anything is taken out, and again before anything is removed. */
  readonly drills: LookAtDrills;
  readonly now: () => Date;
}

/** What became of one backup. */
export interface PrunedBackup {
  readonly id: string;
  readonly createdAt: Date;
  readonly sizeBytes: number;
  /** `expired`: it would go, were this no dry run. `gone`: somebody else was faster. */
  readonly outcome: 'kept' | 'expired' | 'removed' | 'gone';
  readonly why?: KeptFor;
  readonly detail?: string;
}

export interface Pruned extends Settled {
  readonly location: string;
  /** Newest first. */
  readonly backups: readonly PrunedBackup[];
  /** Of those that are removed, or would be. */
  readonly freedBytes: number;
}

/** Reads of records at once. */
const AT_ONCE = 8;

/**
 * Deletes the dumps that Muster took of a source and that its `retain` does not keep. Each is first taken out of every
 * listing, so that no drill finds it any more; then drills are looked at once more, and what one of them may be reading
 * comes back. Where this is killed, no half backup lists, and the next prune ends what it began.
 * @throws what listing throws, `take_unwritable`, what `drills` throws.
 */
export async function prune(ports: PrunePorts, request: PruneRequest, signal: AbortSignal): Promise<Pruned> {
  const { repository, own, drills, now } = ports;
  const settled = request.dryRun ? { broughtBack: [], removed: [] } : await own.settle(signal);
  const backups = await repository.list(signal);
  const candidates = await mapLimited(backups, AT_ONCE, async (backup) => ({
    backup,
    own: backup.growing
      ? { notBecause: 'it is being written' }
      : ownership(request, backup, await own.recordOf(backup.id, signal)),
  }));
  const decideBy = (known: readonly Candidate[], facts: DrillFacts) =>
    decide(known, { ...request, drills: facts, now: now() });
  const facts = await drills(backups, signal);
  const sure = await withDigests(own, candidates, decideBy(candidates, facts), signal);
  const decided = decideBy(sure, facts);
  const { location } = repository;
  if (request.dryRun) return { location, ...settled, ...summary(decided) };

  const retired = new Set<string>();
  const removed = new Set<string>();
  try {
    for (const { backup, kept } of decided.toReversed())
      if (kept === undefined && (await own.retire(backup.id, signal))) retired.add(backup.id);
    if (retired.size === 0) return { location, ...settled, ...summary(decided, removed) };
    const last = decideBy(sure, await drills(backups, signal));
    for (const { backup, kept } of last.toReversed()) {
      if (kept !== undefined || !retired.has(backup.id)) continue;
      if (await own.remove(backup.id, signal)) removed.add(backup.id);
      retired.delete(backup.id);
    }
    return { location, ...settled, ...summary(last, removed) };
  } finally {
    // Whatever ends it: what is not removed is listed again, at the next prune at the latest.
    for (const id of retired)
      await own.bringBack(id, AbortSignal.timeout(BRINGING_BACK_MS)).catch(() => undefined);
  }
}

const BRINGING_BACK_MS = 60_000;

const sizeOf = ({ artefact }: Backup): number => ('sizeBytes' in artefact ? artefact.sizeBytes : 0);

function ownership(
  { source }: PruneRequest,
  backup: Backup,
  record: BackupRecord | 'unreadable' | undefined,
): Ownership {
  if (record === undefined) return { notBecause: 'no record lies beside it' };
  if (record === 'unreadable') return { notBecause: 'what lies beside it is no record' };
  if (record.take === undefined) return { notBecause: 'Muster described it, and did not take it' };
  if (record.source.slug !== source.slug || record.source.kind !== source.kind)
    return { notBecause: `it is of the source ${record.source.slug}` };
  if (record.backup.id !== backup.id) return { notBecause: `its record is that of ${record.backup.id}` };
  if (record.backup.size_bytes !== sizeOf(backup))
    return { notBecause: 'its size is not that of its record' };
  return { sha256: record.backup.sha256 };
}

/** Of those that are about to go, what is cheap to read is what its record says, or stays. */
async function withDigests(
  own: OwnBackups,
  candidates: readonly Candidate[],
  decided: readonly Decision[],
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const going = new Set(decided.flatMap(({ backup, kept }) => (kept === undefined ? [backup] : [])));
  return await mapLimited(candidates, 1, async (candidate) => {
    if (!going.has(candidate.backup) || 'notBecause' in candidate.own) return candidate;
    const digest = await own.digestOf(candidate.backup, signal);
    if (digest === undefined || digest === candidate.own.sha256) return candidate;
    return { ...candidate, own: { notBecause: 'its bytes are not those of its record' } };
  });
}

/** `removed`: absent in a dry run. */
export function summary(
  decided: readonly Decision[],
  removed?: ReadonlySet<string>,
): Pick<Pruned, 'backups' | 'freedBytes'> {
  const backups = decided.map(({ backup, kept }): PrunedBackup => {
    const { id, createdAt } = backup;
    const gone = removed === undefined ? 'expired' : removed.has(id) ? 'removed' : 'gone';
    return {
      ...{ id, createdAt, sizeBytes: sizeOf(backup) },
      outcome: kept === undefined ? gone : 'kept',
      ...kept,
    };
  });
  const freed = backups.filter(({ outcome }) => outcome === 'removed' || outcome === 'expired');
  return { backups, freedBytes: freed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}
