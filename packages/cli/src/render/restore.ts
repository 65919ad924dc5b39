import { formatDuration, type RestorePhase } from '@muster/core';
import type { RestoreEvent } from '@muster/restore';
import type { Cli } from '../cli.js';
import { countdown } from '../terminal/clock.js';
import { printable } from '../terminal/printable.js';
import { type Flow, flowed, timeLeft } from '../terminal/rate.js';
import { flowText } from './live-drill.js';

/** At most so often is said how far it is: moving on a terminal, in lines elsewhere. */
const EVERY_MS = { live: 500, plain: 10_000 } as const;

const WORDS: Readonly<Record<RestorePhase, string>> = {
  fetch: 'fetching the backup',
  prepare: 'making room',
  restore: 'restoring',
  finish: 'putting it in its place',
  check: 'asking the checks',
};

export interface RestoreObserver {
  readonly observe: (event: RestoreEvent) => void;
  readonly interrupted: () => void;
  readonly close: () => void;
}

/** `34% · 1:20 left` */
function shareText(flow: Flow, now: number): string {
  const left = timeLeft(flow, now);
  return `${Math.floor(flow.bytes * 100)}%${left ? ` · ${countdown(left)} left` : ''}`;
}

/** Tells a restore as it goes, on stderr. */
export function restoreObserver({
  output,
  environment: { now },
}: Pick<Cli, 'output' | 'environment'>): RestoreObserver {
  let flow: Flow | undefined;
  let saidAt = 0;
  let moving = false;
  let waited = '';
  const line = (text: string): void => {
    if (moving) output.stderr.write('\r\u001B[2K');
    moving = false;
    output.note(text);
  };
  const progress = (text: string): void => {
    if (output.live) output.stderr.write(`\r\u001B[2K${text}`);
    else output.note(text);
    moving = output.live;
  };
  return {
    observe(event) {
      const at = now().getTime();
      if (event.type === 'phase') line(`${WORDS[event.phase]}…`);
      if (event.type === 'tool') line(`with ${printable(event.where)}`);
      if (event.type === 'waiting' && event.who !== waited) {
        waited = event.who;
        line(`waiting for the sessions of others: ${printable(event.who)}`);
      }
      if (event.type === 'check')
        line(
          `check ${printable(event.check.id)}: ${event.check.verdict} in ${formatDuration(event.check.duration_ms ?? 0)}`,
        );
      if (event.type !== 'progress' && event.type !== 'share') return;
      const { bytes, totalBytes } = event.type === 'share' ? { bytes: event.done, totalBytes: 1 } : event;
      flow = flowed(flow, at, { bytes, ...(totalBytes !== undefined && { totalBytes }) });
      if (at - saidAt < EVERY_MS[output.live ? 'live' : 'plain']) return;
      saidAt = at;
      progress(event.type === 'share' ? shareText(flow, at) : flowText({ ...flow, what: 'restore' }, at));
    },
    interrupted: () => line('Interrupted: clearing up. Once more ends it at once.'),
    close: () => {
      if (moving) output.stderr.write('\n');
      moving = false;
    },
  };
}
