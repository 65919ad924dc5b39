import { formatDuration, formatSize, type Preflight, REASONS, writeSize } from '@muster/core';
import type { Finding } from '../doctor/finding.js';
import { printable } from '../terminal/printable.js';
import { backupFacts, ENGINE_NAMES, serverName } from './facts.js';

type Look = NonNullable<Preflight['look']>;

/** A preflight as lines of `doctor`; `whole`: all of it. */
export function sourceFindings(
  preflight: Preflight,
  now: Date,
  whole: boolean,
  fellBack?: string,
): readonly Finding[] {
  const { source, look } = preflight;
  if (look === undefined) return [{ subject: source, outcome: 'ok', detail: preflight.why ?? 'not known' }];
  const found = [backupFinding(preflight, look, now), serverFinding(preflight, look, fellBack)];
  const more = [
    dumpedFinding(preflight, look),
    rpoFinding(preflight, look),
    companionsFinding(preflight, look),
  ];
  const room = whole ? [scratchFinding(preflight, look), fleetFinding(preflight)] : [];
  const [backup, server] = found;
  return [backup, ...more, server, ...room].filter((finding) => finding !== undefined);
}

/** A fault before the head of the backup was read is one of the backup. */
const isIdentified = ({ backup }: Look): boolean => backup?.format !== undefined;

function faultOf({
  reason,
  message,
  outcome,
}: Look): Pick<Finding, 'outcome' | 'detail' | 'reason'> | undefined {
  if (outcome === 'run') return undefined;
  return {
    outcome: 'fault',
    detail: message ?? (reason && REASONS[reason].meaning) ?? '',
    ...(reason && { reason }),
  };
}

/** The one that has no size was looked at in vain. */
const lacksCompanion = ({ outcome, companions = [] }: Look): boolean =>
  outcome !== 'run' && companions.some(({ size_bytes: size }) => size === undefined);

function companionsFinding({ source }: Preflight, look: Look): Finding | undefined {
  const { companions = [] } = look;
  if (companions.length === 0) return undefined;
  const subject = `${source}: companions`;
  const fault = lacksCompanion(look) ? faultOf(look) : undefined;
  if (fault !== undefined) return { subject, ...fault };
  const told = companions.map(({ to, size_bytes: size = 0 }) => `${printable(to)} (${formatSize(size)})`);
  return { subject, outcome: 'ok', detail: told.join(', ') };
}

const isMissed = ({ reason }: Look): boolean => reason === 'rpo_missed' || reason === 'rto_missed';

function backupFinding({ source, kind }: Preflight, look: Look, now: Date): Finding {
  const isElsewhere = isIdentified(look) || isMissed(look) || lacksCompanion(look);
  const fault = isElsewhere ? undefined : faultOf(look);
  if (fault !== undefined) return { subject: source, ...fault };
  const { backup, restore_point: point } = look;
  if (backup === undefined) return { subject: source, outcome: 'ok', detail: 'not known' };
  const { id, size_bytes: sizeBytes, format, created_at: createdAt, created_at_from: from } = backup;
  if (from === 'dump') {
    const server = `answers: ${ENGINE_NAMES[kind]} ${printable(backup.server_version ?? '')}`;
    const size = sizeBytes === undefined ? '' : ` · ${formatSize(sizeBytes)}`;
    return { subject: source, outcome: 'ok', detail: `${server}${size}` };
  }
  const facts = {
    backup: id,
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(format !== undefined && { format }),
    ...(createdAt !== undefined && { createdAt: new Date(createdAt) }),
  };
  const which = point.drawn ? `by lot, such as ${backupFacts(facts, now)}` : backupFacts(facts, now);
  const listed = point.listed ?? 1;
  const word = point.kind === 'latest' ? 'newest of' : 'of';
  const beside = backup.globals === undefined ? '' : ` · with ${printable(backup.globals.id)}`;
  const detail = `${which}${listed === 1 ? '' : ` · ${word} ${listed}`}${beside}`;
  return { subject: source, outcome: 'ok', detail };
}

function dumpedFinding({ source, kind, unknown }: Preflight, look: Look): Finding | undefined {
  const { backup } = look;
  const subject = `${source}: version`;
  const why = unknown.find(({ what }) => what === 'version')?.why;
  if (why !== undefined) return { subject, outcome: 'absent', detail: why };
  if (backup === undefined || backup.created_at_from === 'dump') return undefined;
  const { server_version: server, tool_version: tool } = backup;
  const told = [
    server === undefined ? '' : `of ${ENGINE_NAMES[kind]} ${printable(server)}`,
    tool === undefined ? '' : `by its tool ${printable(tool)}`,
  ].filter((part) => part !== '');
  return told.length === 0 ? undefined : { subject, outcome: 'ok', detail: told.join(', ') };
}

function rpoFinding({ source }: Preflight, look: Look): Finding | undefined {
  const { objectives, newest_backup: newest } = look;
  if (objectives?.rpo_s === undefined || objectives.rpo_met === undefined || newest === undefined)
    return undefined;
  const subject = `${source}: rpo`;
  if (isMissed(look)) return { subject, ...(faultOf(look) ?? { outcome: 'fault', detail: '' }) };
  const detail = `${formatDuration(newest.age_s * 1000)} of ${formatDuration(objectives.rpo_s * 1000)}`;
  return objectives.rpo_met
    ? { subject, outcome: 'ok', detail: `${detail} · met` }
    : { subject, outcome: 'warning', detail: `${detail} · missed, and not enforced` };
}

function serverFinding(
  { source, kind, unknown }: Preflight,
  look: Look,
  fellBack?: string,
): Finding | undefined {
  const subject = `${source}: server`;
  const isElsewhere = !isIdentified(look) || isMissed(look) || lacksCompanion(look);
  const fault = isElsewhere ? undefined : faultOf(look);
  if (fault !== undefined) return { subject, ...fault };
  const { scratch, extensions } = look;
  if (scratch === undefined) return undefined;
  const why = unknown.find(({ what }) => what === 'image')?.why;
  if (why !== undefined) return { subject, outcome: 'ok', detail: why };
  const { engine, substitute, tool, image, isolation } = scratch;
  const server = engine && serverName({ engine: kind, engineVersion: engine, substitute });
  const needed = extensions?.map(({ name }) => name) ?? [];
  const parts = [
    image ?? 'of this machine',
    server ?? '',
    tool ?? '',
    needed.length === 0 ? '' : `has ${needed.map(printable).join(', ')}`,
    isolation === 'bubblewrap' && fellBack !== undefined ? `in bubblewrap: ${fellBack}` : isolation,
  ];
  return { subject, outcome: 'ok', detail: parts.filter((part) => part !== '').join(' · ') };
}

function scratchFinding({ source, needs }: Preflight, { scratch }: Look): Finding {
  const wanted = `${writeSize(needs.memory_bytes)} of memory, ${writeSize(needs.disk_bytes)} of disk`;
  const subject = `${source}: scratch`;
  const room = scratch?.room;
  const { memory_bytes: memory, memory_free_bytes: memoryFree, disk_free_bytes: diskFree } = room ?? {};
  const free = memoryFree ?? memory;
  if (free === undefined) return { subject, outcome: 'ok', detail: `${wanted}; what is here is not known` };
  const here = `${formatSize(free)}${diskFree === undefined ? '' : `, ${formatSize(diskFree)}`} free here`;
  const isShort =
    needs.memory_bytes > Math.min(free, memory ?? free) ||
    (diskFree !== undefined && needs.disk_bytes > diskFree);
  return isShort
    ? {
        subject,
        outcome: 'warning',
        detail: `${wanted} at the most; ${here}: a drill of a fleet would not begin on this host`,
      }
    : { subject, outcome: 'ok', detail: `${wanted} at the most; ${here}` };
}

function fleetFinding({ source, fleet }: Preflight): Finding | undefined {
  if (fleet === undefined) return undefined;
  const subject = `${source}: fleet`;
  const { pool, workers, waits_for: waitsFor, open } = fleet;
  const underWay = open === 0 ? '' : ` · ${open} under way`;
  return waitsFor === undefined
    ? {
        subject,
        outcome: 'ok',
        detail: `pool ${pool}: ${workers.length === 1 ? '1 worker serves it' : `${workers.length} workers serve it`}${underWay}`,
      }
    : { subject, outcome: 'warning', detail: `a drill would wait for ${printable(waitsFor)}${underWay}` };
}
