import { formatDuration, formatSize } from '@muster/core';
import { createLogUpdate } from 'log-update';
import { countdown } from '../terminal/clock.js';
import { MARKS } from '../terminal/marks.js';
import type { Stream } from '../terminal/output.js';
import { cutTo, padEnd } from '../terminal/printable.js';
import { rateOf, timeLeft } from '../terminal/rate.js';
import type { Style } from '../terminal/style.js';
import { advance, type DrillView, EMPTY_VIEW, type PhaseView } from './drill-view.js';
import { CANCELLING, type DrillObserver } from './observer.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 100;
const BAR = 24;

/** Shows a drill while it runs, on a terminal: one line for each phase, the last of them moving. */
export function liveDrill(stream: Stream, style: Style, now: () => Date): DrillObserver {
  // log-update asks for a whole WriteStream and uses these members of it.
  const update = createLogUpdate(stream as NodeJS.WriteStream);
  let view = EMPTY_VIEW;
  let frame = 0;
  let stopping = false;
  let closed = false;
  const draw = (): void => {
    const lines = liveLines(view, now(), frame, style, (stream.columns || 80) - 1);
    update([...lines, ...(stopping ? ['', `  ${style.warn(CANCELLING)}`] : [])].join('\n'));
  };
  const timer = setInterval(() => {
    frame += 1;
    draw();
  }, FRAME_MS);
  timer.unref();
  return {
    observe(event) {
      view = advance(view, event, now());
      draw();
    },
    interrupted() {
      if (closed) return;
      stopping = true;
      draw();
    },
    close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      stopping = false;
      draw();
      update.done();
    },
  };
}

export function liveLines(view: DrillView, now: Date, frame: number, style: Style, width: number): string[] {
  if (view.drillId === '') return [];
  return [
    `${style.bold('drill')} ${style.accent(view.source)}  ${style.dim(view.drillId)}`,
    '',
    ...view.phases.map((phase) => phaseLine(phase, view, now.getTime(), frame, style, width)),
  ];
}

const NAME_WIDTH = 9;
const TIME_WIDTH = 10;

function phaseLine(
  phase: PhaseView,
  view: DrillView,
  now: number,
  frame: number,
  style: Style,
  width: number,
): string {
  const { mark, detail, time } = phase.ended
    ? ended(phase, phase.ended, view, style)
    : {
        mark: style.accent(FRAMES[frame % FRAMES.length] ?? ''),
        detail: moving(phase, view, now),
        time: formatDuration(Math.floor((now - phase.startedAt) / 1000) * 1000),
      };
  const shownTime = phase.ended || now - phase.startedAt >= 1000 ? time : '';
  const room = Math.max(10, Math.min(width, 100) - 2 - 2 - NAME_WIDTH - 2 - TIME_WIDTH);
  return (
    `  ${mark} ${padEnd(phase.name, NAME_WIDTH)}${padEnd(cutTo(detail, room), room)}` +
    `  ${style.dim(shownTime.padStart(TIME_WIDTH))}`
  ).trimEnd();
}

function ended(
  phase: PhaseView,
  end: NonNullable<PhaseView['ended']>,
  view: DrillView,
  style: Style,
): { mark: string; detail: string; time: string } {
  const verdict = end.outcome === 'done' ? 'pass' : end.outcome === 'failed' ? 'fail' : 'error';
  const { mark, paint } = MARKS[verdict];
  return {
    mark: style[paint](mark),
    detail: end.outcome === 'cancelled' ? 'cancelled' : settledDetail(phase, view),
    time: formatDuration(end.durationMs),
  };
}

function settledDetail(phase: PhaseView, view: DrillView): string {
  if (phase.name === 'check') return `${view.checksEnded} of ${view.checks.length} asked`;
  if (phase.name === 'restore' && phase.flow) return formatSize(phase.flow.bytes);
  return phase.detail ?? '';
}

function moving(phase: PhaseView, view: DrillView, now: number): string {
  if (phase.name === 'check')
    return [`${view.checksEnded + 1} of ${view.checks.length}`, phase.detail ?? '']
      .filter(Boolean)
      .join(' · ');
  return phase.flow ? barred(phase.flow, now) : (phase.detail ?? '');
}

/** `pulling the image ━━━━━━━━╌╌╌╌ 3.10 MB of 8.40 MB · 12.0 MB/s · 0:04 left` */
function barred(flow: NonNullable<PhaseView['flow']>, now: number): string {
  return flowText(flow, now, flow.totalBytes === undefined ? '' : `${bar(flow.bytes, flow.totalBytes)} `);
}

/** `restore: 3.10 MB of 8.40 MB · 12.0 MB/s · 0:04 left`, with `lead` before the amount. */
export function flowText(flow: NonNullable<PhaseView['flow']>, now: number, lead = ''): string {
  const done = flow.totalBytes !== undefined && flow.bytes >= flow.totalBytes;
  const rate = done ? undefined : rateOf(flow, now);
  const left = done ? undefined : timeLeft(flow, now);
  const amount =
    flow.totalBytes === undefined
      ? formatSize(flow.bytes)
      : `${formatSize(flow.bytes)} of ${formatSize(flow.totalBytes)}`;
  const word = { fetch: '', pull: 'pulling the image ', examine: 'hashing ', restore: '' }[flow.what];
  return [
    word + lead + amount,
    rate === undefined ? '' : `${formatSize(rate)}/s`,
    left === undefined ? '' : `${countdown(left)} left`,
    // Indexes and constraints are made after the last byte was read.
    done ? 'finishing' : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

function bar(bytes: number, total: number): string {
  const filled = total === 0 ? BAR : Math.min(BAR, Math.floor((bytes / total) * BAR));
  return '━'.repeat(filled) + '╌'.repeat(BAR - filled);
}
