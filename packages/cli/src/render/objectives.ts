import {
  DATABASE_NAMED,
  formatDuration,
  measuredRpo,
  measuredRto,
  NEWEST_UNCHANGED,
  type Predicate,
} from '@muster/core';
import { printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

/** `rpo  3 h 02 min of 26 h 00 min · met`, a line for each objective of the source. */
export function objectiveFields(predicate: Predicate, style: Style): [string, string][] {
  const { objectives } = predicate;
  if (objectives === undefined) return [];
  const { enforce, rpo_s, rpo_met, rto_s, rto_met } = objectives;
  const told = (
    seconds: number,
    measured: number | undefined,
    met: boolean | undefined,
    enforced: boolean,
  ) => {
    const allowed = formatDuration(seconds * 1000);
    if (measured === undefined || met === undefined) return `${allowed} · not measured`;
    const verdict = met ? style.good('met') : style[enforced ? 'bad' : 'warn']('missed');
    return `${formatDuration(measured)} of ${allowed} · ${verdict}${met || enforced ? '' : ' · not enforced'}`;
  };
  return [
    ...(rpo_s === undefined
      ? []
      : [['rpo', told(rpo_s, measuredRpo(predicate), rpo_met, enforce !== 'none')] as [string, string]]),
    ...(rto_s === undefined
      ? []
      : [['rto', told(rto_s, measuredRto(predicate), rto_met, enforce === 'all')] as [string, string]]),
  ];
}

/** By code: what makes a restore prove less. */
const LESSENING: Readonly<Record<string, string>> = {
  no_snapshot:
    'no_snapshot: the collections were dumped at different moments, so what belongs together may not fit together.',
  library_missing:
    'library_missing: the server came up without libraries that the primary preloads: its image has not got them.',
  option_dropped:
    'option_dropped: the server did not take some options of collections or indexes, and they were left out.',
};

/** {@link warningLines} names it; the others are harmless complaints of the restore tool. */
export const isNamedWarning = (code: string | undefined): boolean =>
  code !== undefined &&
  (code === NEWEST_UNCHANGED || code === DATABASE_NAMED || Object.hasOwn(LESSENING, code));

/** What a receipt warns of that is not harmless. */
export function warningLines(predicate: Predicate, style: Style): string[] {
  const codes = new Set(predicate.restore?.warnings.map(({ code }) => code));
  const lessening = Object.entries(LESSENING).filter(([code]) => codes.has(code));
  return [
    ...staleLines(predicate, style),
    ...namedLines(predicate, style),
    ...lessening.map(([, sentence]) => style.warn(sentence)),
  ];
}

function namedLines({ restore }: Predicate, style: Style): string[] {
  if (!restore?.warnings.some(({ code }) => code === DATABASE_NAMED)) return [];
  return [
    style.warn(
      'The backup is of a single database, and does not tell its name: it was given that of the source.',
    ),
    '  See that it is the whole of what is to be kept: other databases of its dump lie beside it, and were not read.',
  ];
}

function staleLines({ restore, newest_backup: newest }: Predicate, style: Style): string[] {
  const stale = restore?.warnings.find(({ code }) => code === NEWEST_UNCHANGED);
  if (stale === undefined || newest === undefined) return [];
  return [
    style.warn(
      `The newest backup, ${printable(newest.id)}, is the one that the ${stale.count} drills before this one found: see whether the job that makes backups still runs.`,
    ),
    '  With objectives.rpo in the configuration this would be a fail.',
  ];
}
