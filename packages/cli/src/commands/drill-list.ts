import { drillTime, formatDuration, tryDurationMs, type Verdict } from '@muster/core';
import type { Cli } from '../cli.js';
import { readReceipts, type StoredReceipt } from '../evidence-reader.js';
import { knownConfig } from '../fleet/known-config.js';
import type { OpenDrill } from '../fleet/open-drills.js';
import { interruptible } from '../interruption.js';
import { chooseSource } from '../load-config.js';
import { EXIT } from '../problem.js';
import { MARKS } from '../terminal/marks.js';
import { printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';
import { type Cell, table } from '../terminal/table.js';

export interface DrillListOptions {
  readonly source?: string;
}

/** `muster drill list`: the drills of this evidence store, then those without a receipt, each oldest first; a receipt that does not verify says so. */
export async function drillList(cli: Cli, options: DrillListOptions): Promise<number> {
  return interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const { output } = cli;
      const loaded = await knownConfig(cli);
      const { openDrills } = await import('../fleet/open-drills.js');
      // First what is open: a drill whose receipt is stored meanwhile is in both, and not in neither.
      const underWay = (await openDrills(cli, loaded, options.source)) ?? [];
      const receipts = await readReceipts(loaded, cli, { source: options.source }, signal);
      // A source that left the configuration may have receipts; one that never was there has a slip of the pen.
      if (receipts.length === 0 && options.source !== undefined) chooseSource(loaded, options.source);
      const stored = new Set(receipts.map(({ drillId }) => drillId));
      const open = underWay.filter(({ drillId }) => !stored.has(drillId));
      const of = options.source === undefined ? '' : ` of ${options.source}`;
      output.result({ drills: [...receipts.map(summaryOf), ...open.map(openSummaryOf)] }, () =>
        receipts.length + open.length === 0
          ? [
              `There are no receipts${of} in ${loaded.evidence.store.location} yet: muster drill run makes one.`,
            ]
          : listTable(
              output,
              receipts.map((receipt) => cells(receipt, output.style)),
              open,
            ),
      );
      return EXIT.pass;
    },
  );
}

/** Drills by what is said of them: those that ended first. */
export function drillTable(
  output: Cli['output'],
  ended: readonly EndedSummary[],
  open: readonly OpenDrill[],
): string[] {
  return listTable(
    output,
    ended.map((drill) => endedCells(drill, output.style)),
    open,
  );
}

interface EndedSummary {
  readonly drill_id: string;
  readonly source: string;
  readonly backup?: string;
  readonly result: Verdict;
  readonly reason?: string;
  readonly substitute?: true;
  readonly issued_at: string;
  readonly duration_ms?: number;
  readonly receipt: string;
}

function listTable(output: Cli['output'], ended: readonly Cell[][], open: readonly OpenDrill[]): string[] {
  return table(
    [
      { title: 'drill' },
      { title: 'began (UTC)' },
      { title: 'source' },
      { title: 'backup', flexible: true },
      { title: 'result' },
      { title: 'reason' },
      { title: 'took', align: 'right' },
    ],
    [...ended, ...open.map((drill) => openCells(drill, output.style))],
    output.style,
    output.width,
  );
}

export function openSummaryOf({ drillId, ...drill }: OpenDrill): Readonly<Record<string, unknown>> {
  const { source, pool, trigger, state, worker, phase, waitsFor, why, traceId, attempts } = drill;
  return {
    drill_id: drillId,
    source,
    ...(pool && { pool }),
    ...(trigger && { trigger }),
    state,
    ...(worker && { worker }),
    ...(phase && { phase }),
    ...(waitsFor && { waits_for: waitsFor }),
    ...(why && { why }),
    ...(traceId && { trace_id: traceId }),
    attempts,
  };
}

/** What a drill waits for, for people: also where its fleet knows of nothing special. */
export function waitText({ state, pool, waitsFor }: OpenDrill): string | undefined {
  if (waitsFor !== undefined) return printable(waitsFor);
  if (state === 'waiting') return `a free worker of the pool ${pool}`;
  return state === 'delayed' ? 'its time' : undefined;
}

function openCells(drill: OpenDrill, style: Style): Cell[] {
  const { drillId, source, state, phase } = drill;
  const waits = waitText(drill);
  return [
    { text: drillId },
    { text: beganText(drillId), paint: style.dim },
    { text: printable(source) },
    { text: '' },
    { text: phase ?? state, paint: style.dim },
    { text: waits === undefined ? '' : `waits for ${waits}` },
    { text: '' },
  ];
}

interface Refused {
  readonly drill_id: string;
  readonly receipt: string;
  readonly authentic: false;
}

function summaryOf({
  drillId,
  key,
  verification,
}: StoredReceipt): Refused | (EndedSummary & { readonly authentic: true }) {
  const { statement, exitCode } = verification;
  if (statement === undefined || exitCode !== 0) return { drill_id: drillId, receipt: key, authentic: false };
  const { source, backup, result, reason, environment, issued_at } = statement.predicate;
  const durationMs = tryDurationMs(statement.predicate);
  return {
    drill_id: drillId,
    source: source.slug,
    ...(backup && { backup: backup.id }),
    result,
    ...(reason && { reason }),
    ...(environment.substitute && { substitute: true }),
    issued_at,
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    receipt: key,
    authentic: true,
  };
}

function cells(receipt: StoredReceipt, style: Style): Cell[] {
  const summary = summaryOf(receipt);
  if (summary.authentic) return endedCells(summary, style);
  const { drill_id: drillId, receipt: key } = summary;
  return [
    { text: drillId },
    { text: beganText(drillId), paint: style.dim },
    { text: key.split('/')[1] ?? '' },
    { text: '' },
    { text: '✖ not authentic', paint: style.bad },
  ];
}

const beganText = (drillId: string): string =>
  drillTime(drillId).toISOString().slice(0, 16).replace('T', ' ');

function endedCells(
  { drill_id: drillId, source, backup, result, reason, substitute, duration_ms: durationMs }: EndedSummary,
  style: Style,
): Cell[] {
  const { mark, word, paint } = MARKS[result];
  return [
    { text: drillId },
    { text: beganText(drillId), paint: style.dim },
    { text: printable(source) },
    { text: printable(backup ?? '') },
    { text: `${mark} ${word}${substitute ? ' (by a stand-in)' : ''}`, paint: style[paint] },
    { text: reason ?? '' },
    { text: durationMs === undefined ? '' : formatDuration(durationMs), paint: style.dim },
  ];
}
