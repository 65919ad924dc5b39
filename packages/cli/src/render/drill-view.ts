import type { PhaseName } from '@muster/core';
import type { DrillEvent } from '@muster/drill';
import { type Flow, flowed } from '../terminal/rate.js';
import { backupFacts, notBehindText, scratchFacts } from './facts.js';

/** What is to be seen of a drill while it runs, folded from its events. Times are milliseconds of one clock. */
export interface DrillView {
  readonly drillId: string;
  readonly source: string;
  readonly checks: readonly string[];
  readonly checksEnded: number;
  readonly phases: readonly PhaseView[];
}

export interface PhaseView {
  readonly name: PhaseName;
  readonly startedAt: number;
  readonly ended?: { readonly outcome: 'done' | 'failed' | 'cancelled'; readonly durationMs: number };
  readonly detail?: string;
  readonly flow?: Flow & { readonly what: 'fetch' | 'pull' | 'restore' | 'examine' };
}

export const EMPTY_VIEW: DrillView = { drillId: '', source: '', checks: [], checksEnded: 0, phases: [] };

export function advance(view: DrillView, event: DrillEvent, now: Date): DrillView {
  switch (event.type) {
    case 'planned':
      return { ...view, drillId: event.drillId, source: event.source, checks: event.checks };
    case 'phase-started':
      return { ...view, phases: [...view.phases, { name: event.phase, startedAt: now.getTime() }] };
    case 'progress':
      return change(view, event.phase, (phase) => ({
        ...phase,
        ...advanceFlow(phase, event, now.getTime()),
      }));
    case 'located':
      return located(view, event, now);
    case 'launched':
      return change(view, 'launch', (phase) => ({ ...phase, detail: scratchFacts(event) }));
    case 'check-started':
      return change(view, 'check', (phase) => ({ ...phase, detail: event.id }));
    case 'check-ended':
      return { ...view, checksEnded: view.checksEnded + 1 };
    case 'phase-ended':
      return change(view, event.phase.name, (phase) => ({
        ...phase,
        ended: { outcome: event.phase.outcome, durationMs: event.phase.duration_ms },
      }));
    case 'judged':
      return view;
  }
}

/** The restore of a set behind which the point is not says so, in place of how much it restored. */
function located(view: DrillView, event: Extract<DrillEvent, { type: 'located' }>, now: Date): DrillView {
  const { notBehind } = event;
  const told =
    notBehind === undefined
      ? view
      : change(view, 'restore', ({ flow: _, ...phase }) => ({ ...phase, detail: notBehindText(notBehind) }));
  return change(told, 'locate', (phase) => ({ ...phase, detail: backupFacts(event, now) }));
}

/** The restore is what people wait for: the hashing beside it is shown only once nothing else moves. */
function advanceFlow(
  phase: PhaseView,
  event: Extract<DrillEvent, { type: 'progress' }>,
  now: number,
): Pick<PhaseView, 'flow'> {
  const flow = phase.flow;
  const restoring =
    flow?.what === 'restore' && !(flow.totalBytes !== undefined && flow.bytes >= flow.totalBytes);
  if (event.what === 'examine' && restoring) return {};
  const before = flow?.what === event.what ? flow : undefined;
  return { flow: { ...flowed(before, now, event), what: event.what } };
}

function change(view: DrillView, name: PhaseName, next: (phase: PhaseView) => PhaseView): DrillView {
  const last = view.phases.findLastIndex((phase) => phase.name === name);
  return { ...view, phases: view.phases.map((phase, index) => (index === last ? next(phase) : phase)) };
}
