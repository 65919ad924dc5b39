import {
  type DeltaRecord,
  formatDuration,
  formatSize,
  type Predicate,
  type Statement,
  writeSize,
} from '@muster/core';
import { ago } from '../terminal/clock.js';
import { printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';
import { askedBy } from './asked-by.js';
import { checkTable } from './checks.js';
import { backupFacts, scratchFacts } from './facts.js';
import { fidelityLines } from './fidelity.js';
import { fields } from './fields.js';
import { isNamedWarning, objectiveFields, warningLines } from './objectives.js';
import { recoveryText } from './recovery.js';
import { verdictLines } from './verdict.js';

/** A receipt that verified, told for people: everything it says, in the order one asks. */
export function receiptLines(
  statement: Statement,
  keyId: string,
  now: Date,
  style: Style,
  width: number,
): string[] {
  const { predicate } = statement;
  const issued = new Date(predicate.issued_at);
  return [
    ...fields(
      [
        ['drill', style.bold(predicate.drill_id)],
        ['source', `${predicate.source.slug} · ${predicate.source.kind}`],
        ['asked', askedText(predicate)],
        ['backup', backupLines(predicate, now)],
        ['globals', globalsText(predicate)],
        ['newest', newestText(predicate, now)],
        ['companions', companionLines(predicate)],
        ['server', serverLines(predicate)],
        ['limits', limitsText(predicate.environment.limits)],
        [predicate.issued_by ?? 'worker', workerText(predicate)],
        ['tries', triesText(predicate)],
        ['phases', phasesText(predicate)],
        ['restore', restoreText(predicate)],
        ['recovery', recoveryText(predicate.recovery)],
        ['fidelity', fidelityLines(predicate.fidelity)],
        ...objectiveFields(predicate, style),
        ['trace', predicate.trace_id],
        ['subject', `sha256:${statement.subject[0].digest.sha256}`],
        ['signed', [`${predicate.issued_at} · ${ago(issued, now)}`, `key ${keyId}`]],
      ],
      style,
    ),
    ...(predicate.checks.length === 0 ? [] : ['', ...checkTable(predicate.checks, style, width)]),
    '',
    ...verdictLines(predicate, undefined, style),
    ...warningLines(predicate, style),
  ];
}

const joined = (parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join(' · ');

function askedText({ restore_point, trigger }: Predicate): string {
  return joined([
    printable([restore_point.kind, restore_point.asked].filter(Boolean).join(' ')),
    `by ${askedBy(trigger)}`,
  ]);
}

function backupLines({ backup, reason, attempts }: Predicate, now: Date): string[] {
  if (backup === undefined) {
    if (attempts.length === 0) return ['not looked for: no worker took this drill'];
    return [reason?.startsWith('no_backup') ? 'none was found' : 'not known'];
  }
  const facts = backupFacts(
    {
      backup: backup.id,
      ...(backup.size_bytes !== undefined && { sizeBytes: backup.size_bytes }),
      ...(backup.created_at !== undefined && { createdAt: new Date(backup.created_at) }),
      ...(backup.format !== undefined && { format: backup.format }),
    },
    now,
  );
  const from = backup.created_at_from === 'dump' ? undefined : backup.created_at_from;
  // The header of a pgBackRest set is what its repository says of it.
  const ofRepository = from === 'header' && backup.format?.startsWith('pgbackrest-') === true;
  const clue = from && (ofRepository ? 'by its repository' : CLUES[from]);
  return [clue === undefined ? facts : `${facts} (${clue})`, printable(backup.location)];
}

const CLUES = { header: 'by its header', name: 'by its name', mtime: "by its file's time" } as const;

function companionLines({ companions = [] }: Predicate): string[] {
  return companions.flatMap(({ to, location, sha256, size_bytes: size, files }) => [
    printable(
      joined([
        to,
        size === undefined ? 'not read' : formatSize(size),
        files === undefined ? undefined : `${files} ${files === 1 ? 'file' : 'files'}`,
        location,
      ]),
    ),
    ...(sha256 === undefined ? [] : [sha256]),
  ]);
}

/** What was restored before the backup, for its cluster. */
function globalsText({ backup }: Predicate): string | undefined {
  if (backup?.globals === undefined) return undefined;
  const { id, size_bytes: size } = backup.globals;
  return printable(joined([id, size === undefined ? 'not read' : formatSize(size)]));
}

/** Where it is another than the one that was drilled. */
function newestText({ newest_backup: newest, backup }: Predicate, now: Date): string | undefined {
  if (newest === undefined || newest.id === backup?.id) return undefined;
  return `${printable(newest.id)} · made ${ago(new Date(newest.created_at), now)}`;
}

function serverLines({ environment }: Predicate): string[] {
  const { isolation, image, image_digest, engine, engine_version, substitute } = environment;
  if (isolation === undefined) return [];
  const facts = scratchFacts({
    isolation,
    engine,
    engineVersion: engine_version ?? '',
    ...(substitute && { substitute }),
    ...(image && { image }),
  });
  return [facts, ...(image_digest ? [printable(image_digest)] : [])];
}

function limitsText(limits: Predicate['environment']['limits']): string | undefined {
  const text = joined([
    limits.cpus === undefined ? undefined : `${limits.cpus} cpus`,
    limits.memory_bytes === undefined ? undefined : `${writeSize(limits.memory_bytes)} memory`,
    limits.disk_bytes === undefined ? undefined : `${writeSize(limits.disk_bytes)} disk`,
    limits.pids === undefined ? undefined : `${limits.pids} processes`,
  ]);
  return text === '' ? undefined : text;
}

function workerText({ environment }: Predicate): string {
  const { worker, pool, muster_version, node_version, os } = environment;
  return printable(joined([worker, `pool ${pool}`, `Muster ${muster_version}`, `Node ${node_version}`, os]));
}

/** Of a drill that came to no end of its own, or not at the first try. */
function triesText({ issued_by: issuer, attempts }: Predicate): string[] {
  if (issuer === undefined && attempts.length < 2) return [];
  return attempts.map(({ worker, started_at, outcome, reason }) =>
    printable(joined([worker, started_at, reason ?? outcome])),
  );
}

function phasesText({ phases }: Predicate): string[] {
  const text = joined(
    phases.map(
      ({ name, duration_ms, outcome }) =>
        `${name} ${formatDuration(duration_ms)}${outcome === 'done' ? '' : ` (${outcome})`}`,
    ),
  );
  return text === '' ? [] : [text];
}

const deltaText = ({ volume, copied_bytes: bytes }: DeltaRecord): string =>
  `${formatSize(bytes)} anew${VOLUMES[volume]}`;

const VOLUMES = {
  new: ', nothing was kept before',
  kept: ' over what was kept',
  throwaway: ', another drill has what was kept',
} as const;

function restoreText({ restore }: Predicate): string | undefined {
  if (restore === undefined) return undefined;
  const harmless = restore.warnings.filter(({ code }) => !isNamedWarning(code));
  const warnings = harmless.reduce((sum, { count }) => sum + count, 0);
  return joined([
    formatDuration(restore.duration_ms),
    formatSize(restore.bytes),
    restore.tool,
    restore.delta && deltaText(restore.delta),
    restore.objects === undefined ? undefined : `${restore.objects} objects`,
    warnings === 0 ? undefined : `${warnings} harmless ${warnings === 1 ? 'warning' : 'warnings'}`,
  ]);
}
