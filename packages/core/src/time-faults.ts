import { broken } from './broken.js';
import { CLOCK_SKEW_MS } from './clock-skew.js';
import { drillTime } from './ids.js';
import type { Predicate } from './statement.js';

/** Contradictions between the times in a statement: its phases, checks and attempts, the drill's own, and that of its issue. */
export function timeFaults({
  phases,
  checks,
  attempts,
  drill_id: drillId,
  issued_at: issuedAt,
}: Predicate): string[] {
  const issued = Date.parse(issuedAt);
  const phaseSpans = phases.map((phase) => span('phases', phase));
  const checkSpans = checks
    .filter((check) => check.started_at !== undefined)
    .map((check) => span('checks', check));
  const attemptSpans = attempts.map((attempt): Span => {
    const start = Date.parse(attempt.started_at);
    return {
      what: 'attempts',
      start,
      end: attempt.ended_at === undefined ? start : Date.parse(attempt.ended_at),
    };
  });
  const asked = phaseSpans[phases.findLastIndex(({ name }) => name === 'check')];
  return [
    ...[phaseSpans, checkSpans].flatMap((spans) => oneAfterAnother(spans)),
    ...oneAfterAnother(attemptSpans, CLOCK_SKEW_MS),
    ...broken([
      [
        [...phaseSpans, ...checkSpans].every(({ end }) => end <= issued) &&
          attemptSpans.every(({ end }) => end <= issued + CLOCK_SKEW_MS),
        'something ended after the statement was issued',
      ],
      [
        asked === undefined || checkSpans.every(({ start, end }) => start >= asked.start && end <= asked.end),
        'a check was asked outside the phase of checks',
      ],
      [
        drillTime(drillId).getTime() <= issued + CLOCK_SKEW_MS,
        'the drill was asked for after its statement was issued',
      ],
    ]),
  ];
}

interface Span {
  readonly what: string;
  readonly start: number;
  readonly end: number;
}

function span(
  what: string,
  {
    started_at: startedAt,
    duration_ms: durationMs,
  }: { readonly started_at?: string | undefined; readonly duration_ms?: number | undefined },
): Span {
  const start = Date.parse(startedAt ?? '');
  return { what, start, end: start + (durationMs ?? 0) };
}

function oneAfterAnother(spans: readonly Span[], toleranceMs = 0): string[] {
  return spans.flatMap(({ what, start, end }, index) =>
    broken([
      [end >= start, `one of the ${what} ended before it began`],
      [start + toleranceMs >= (spans[index - 1]?.end ?? start), `the ${what} are not one after another`],
    ]),
  );
}
