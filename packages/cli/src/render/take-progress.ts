import type { TakePhase, TakeProgress } from '@muster/backups';
import { formatSize } from '@muster/core';
import { createLogUpdate } from 'log-update';
import type { Cli } from '../cli.js';
import { countdown } from '../terminal/clock.js';
import { cutTo } from '../terminal/printable.js';
import { type Flow, flowed, rateOf, timeLeft } from '../terminal/rate.js';

/** Shows one take while it runs. */
export interface TakeObserver {
  readonly observe: (progress: TakeProgress) => void;
  /** Somebody asked it to stop. */
  interrupted(): void;
  /** Leaves the terminal as it should be; on every path, more than once if need be. */
  close(): void;
}

/** At most so often does long work say how far it is in lines that stay. */
const PROGRESS_EVERY_MS = 10_000;
const STOPPING = 'Stopping: what was written goes, and no backup is left of it. Once more leaves at once.';

/** Mostly there is nothing to sweep; what was swept is told by its names. */
type ShownPhase = Exclude<TakePhase, 'sweep'>;

const WORDS: Readonly<Record<ShownPhase, string>> = {
  wait: 'waiting for a take that runs',
  survey: 'looking at the source',
  dump: 'dumping',
  examine: 'examining',
  publish: 'publishing',
};

/** One moving line on a terminal, lines that stay elsewhere, nothing with `--quiet`. */
export function takeObserver({ output, environment }: Cli, slug: string): TakeObserver {
  const update = output.live ? createLogUpdate(output.stderr as NodeJS.WriteStream) : undefined;
  let phase: ShownPhase | undefined;
  let flow: Flow | undefined;
  let saidAt = 0;
  let closed = false;
  return {
    observe({ phase: reached, bytes, totalBytes }) {
      if (closed || reached === 'sweep') return;
      const at = environment.now().getTime();
      const begins = reached !== phase;
      if (begins) flow = undefined;
      phase = reached;
      if (bytes !== undefined)
        flow = flowed(flow, at, { bytes, ...(totalBytes !== undefined && { totalBytes }) });
      const line = `${slug}: ${takeText(reached, flow, at)}`;
      if (update !== undefined) return update(cutTo(line, (output.stderr.columns || 80) - 1));
      if (!begins && at - saidAt < PROGRESS_EVERY_MS) return;
      saidAt = at;
      output.note(line);
    },
    interrupted() {
      if (closed) return;
      if (update === undefined) output.note(STOPPING);
      else update(STOPPING);
    },
    close() {
      if (closed) return;
      closed = true;
      update?.clear();
      update?.done();
    },
  };
}

/** `dumping · 3.10 MB of 8.40 MB · 12.0 MB/s · 0:04 left` */
function takeText(phase: ShownPhase, flow: Flow | undefined, now: number): string {
  if (flow === undefined) return WORDS[phase];
  const { bytes, totalBytes } = flow;
  const rate = rateOf(flow, now);
  // What is only expected may be wrong: then nothing is said of it.
  const known = totalBytes !== undefined && bytes <= totalBytes;
  const left = known ? timeLeft(flow, now) : undefined;
  return [
    WORDS[phase],
    known ? `${formatSize(bytes)} of ${formatSize(totalBytes)}` : formatSize(bytes),
    rate === undefined ? '' : `${formatSize(rate)}/s`,
    left === undefined ? '' : `${countdown(left)} left`,
  ]
    .filter(Boolean)
    .join(' · ');
}
