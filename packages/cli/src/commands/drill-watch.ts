import {
  DRILL_ID,
  formatDuration,
  formatSize,
  isMusterError,
  MusterError,
  REASONS,
  type Reason,
  type Verdict,
} from '@muster/core';
import { type FleetEvent, type OpenDrill, openDrill } from '@muster/queue';
import type { Cli } from '../cli.js';
import { readReceipts } from '../evidence-reader.js';
import { type Fleet, withFleet } from '../fleet/with-fleet.js';
import { EXIT } from '../problem.js';
import { notBehindText, serverName } from '../render/facts.js';
import { MARKS } from '../terminal/marks.js';
import { printable } from '../terminal/printable.js';

/** `muster drill watch`: tells what happens to a drill until its receipt is stored; exit code by the verdict. */
export function drillWatch(cli: Cli, drillId: string): Promise<number> {
  return withFleet(cli, (fleet, signal) => watchDrill(cli, fleet, drillId, signal));
}

export interface Ended {
  readonly result: Verdict;
  readonly reason?: Reason | undefined;
  readonly key: string;
}

export async function watchDrill(
  cli: Cli,
  { loaded, queues }: Fleet,
  drillId: string,
  signal: AbortSignal,
): Promise<number> {
  if (!DRILL_ID.test(drillId)) {
    throw new MusterError('usage', 'That is not the id of a drill: ids are drl_ and 26 characters.');
  }
  const open = await openDrill(queues, drillId);
  // What ended long ago has no events any more; what is in quarantine may be a second receipt.
  const isOpen = open !== undefined && open.state !== 'quarantined';
  const ended =
    (isOpen ? undefined : await endedBefore(cli, loaded, drillId, signal)) ??
    (await follow(cli, { loaded, queues }, drillId, open !== undefined, signal));
  return tellEnded(cli, drillId, ended, `${loaded.evidence.store.location}/${ended.key}`);
}

/** The last words of a drill; its exit code. */
export function tellEnded(
  { output }: Cli,
  drillId: string,
  { result, reason, key }: Ended,
  place: string,
): number {
  const { mark, word, paint } = MARKS[result];
  output.result({ drill_id: drillId, result, ...(reason && { reason }), receipt: key }, () => [
    `${output.style[paint](`${mark} ${word}`)}${reason ? `  ${reason}: ${REASONS[reason].meaning}` : ''}`,
    `  receipt  ${place}`,
  ]);
  return EXIT[result];
}

async function endedBefore(
  cli: Cli,
  loaded: Fleet['loaded'],
  drillId: string,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  const [receipt] = await readReceipts(loaded, cli, { drillId }, signal);
  const { statement, exitCode } = receipt?.verification ?? {};
  if (receipt === undefined || statement === undefined || exitCode !== 0) return undefined;
  const { result, reason } = statement.predicate;
  return { result, reason, key: receipt.key };
}

async function follow(
  { output }: Cli,
  { queues }: Fleet,
  drillId: string,
  isKnown: boolean,
  signal: AbortSignal,
): Promise<Ended> {
  // Of a drill that nobody knows there may be events of a moment ago; there will be no others.
  using _ = tellStanding(output, () => openDrill(queues, drillId));
  const limit = isKnown ? signal : AbortSignal.any([signal, AbortSignal.timeout(UNKNOWN_MS)]);
  for await (const { at, event } of queues.events.follow(drillId, undefined, limit)) {
    if (event.type === 'stored') return event;
    tellEvent(output, at, event);
  }
  if (signal.aborted) throw watchingStopped();
  throw new MusterError(
    'drill_not_found',
    `No drill ${drillId} is under way, and none has a receipt: see muster drill list.`,
  );
}

/** What is watched goes on when nobody watches. */
export const watchingStopped = (): MusterError =>
  new MusterError('cancelled', 'Watching was stopped; the drill goes on.');

const UNKNOWN_MS = 2_000;
const LOOK_MS = 2_000;

/**
 * Until it is disposed of: tells what no event does, each once. That nobody serves the pool of a drill, that its receipt waits
 * for the sink or is in quarantine, that nobody can be asked at the moment.
 */
export function tellStanding(output: Cli['output'], look: () => Promise<OpenDrill | undefined>): Disposable {
  let isOver = false;
  let told: string | undefined;
  let isLooking = false;
  const tell = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    // Where nobody can be asked, events do not come either: they are waited for until they do.
    const line = await look().then(
      (drill) => drill && standingOf(drill),
      (error: unknown) => (isMusterError(error) && error.code !== 'cancelled' ? error.message : undefined),
    );
    isLooking = false;
    if (isOver || line === undefined || line === told) return;
    told = line;
    output.note(`          ${line}`);
  };
  void tell();
  const timer = setInterval(() => void tell(), LOOK_MS);
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      clearInterval(timer);
    },
  };
}

function standingOf({ state, waitsFor, why }: OpenDrill): string | undefined {
  if (state === 'storing')
    return `it has ended, and its receipt waits for ${printable(waitsFor ?? 'the sink')}`;
  if (state === 'quarantined') return `its receipt is in quarantine: ${printable(why ?? '')}`;
  return state === 'waiting' && waitsFor !== undefined ? `waits for ${printable(waitsFor)}` : undefined;
}

/** A line beside the result, for what is worth one. */
export function tellEvent(output: Cli['output'], at: Date, event: FleetEvent): void {
  const line = lineOf(event);
  if (line !== undefined) output.note(`${output.errStyle.dim(at.toISOString().slice(11, 19))}  ${line}`);
}

/** One line for people; undefined for what is too small to tell. */
export function lineOf(event: FleetEvent): string | undefined {
  switch (event.type) {
    case 'queued':
      return `queued for the pool ${event.pool}`;
    case 'waiting':
      return `waits: ${printable(event.why)}`;
    case 'attempt':
      return `try ${event.attempt} on ${printable(event.worker)}`;
    case 'located': {
      const size = event.size_bytes === undefined ? '' : `, ${formatSize(event.size_bytes)}`;
      const why = event.not_behind === undefined ? '' : `${notBehindText(event.not_behind)}: `;
      return `${why}backup ${printable(event.backup)}${size}`;
    }
    case 'launched': {
      const { isolation, engine, engine_version: engineVersion, substitute } = event;
      return `scratch: ${isolation}, ${serverName({ engine, engineVersion, substitute })}`;
    }
    case 'check-ended': {
      const time = event.duration_ms === undefined ? '' : ` in ${formatDuration(event.duration_ms)}`;
      return `check ${printable(event.id)}: ${event.verdict}${event.reason ? ` (${event.reason})` : ''}${time}`;
    }
    case 'phase-ended':
      return `${event.phase}: ${event.outcome} in ${formatDuration(event.duration_ms)}`;
    case 'retry':
      return `${event.reason}: tried again in ${formatDuration(event.after_ms)}`;
    case 'returned':
      return `given back by ${printable(event.worker)}, which stops`;
    case 'phase-started':
    case 'progress':
    case 'check-started':
    case 'judged':
    case 'stored':
      return undefined;
  }
}
