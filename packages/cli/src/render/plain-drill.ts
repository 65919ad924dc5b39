import { formatDuration } from '@muster/core';
import type { DrillEvent } from '@muster/drill';
import { printable } from '../terminal/printable.js';
import { advance, EMPTY_VIEW } from './drill-view.js';
import { backupFacts, notBehindText, scratchFacts } from './facts.js';
import { flowText } from './live-drill.js';
import { CANCELLING, type DrillObserver } from './observer.js';

/** At most so often does long work say how far it is. */
const PROGRESS_EVERY_MS = 10_000;

/** Tells a drill in lines that stay: for logs, pipes and CI. */
export function plainDrill(write: (line: string) => void, now: () => Date): DrillObserver {
  let view = EMPTY_VIEW;
  let saidAt = 0;
  let closed = false;
  return {
    observe(event) {
      const at = now();
      view = advance(view, event, at);
      if (event.type === 'phase-started') saidAt = at.getTime();
      if (event.type === 'progress') {
        const flow = view.phases.find(({ name }) => name === event.phase)?.flow;
        if (flow === undefined || at.getTime() - saidAt < PROGRESS_EVERY_MS) return;
        saidAt = at.getTime();
        write(`${event.phase}: ${flowText(flow, at.getTime())}`);
        return;
      }
      if (event.type === 'located' && event.notBehind !== undefined) write(notBehindText(event.notBehind));
      const line = eventLine(event, at);
      if (line !== undefined) write(line);
    },
    interrupted() {
      if (!closed) write(CANCELLING);
    },
    close() {
      closed = true;
    },
  };
}

function eventLine(event: DrillEvent, now: Date): string | undefined {
  switch (event.type) {
    case 'planned':
      return `drill ${event.drillId} of ${event.source}`;
    case 'located':
      return `located: ${backupFacts(event, now)} · ${printable(event.location)}`;
    case 'launched':
      return `launched: ${scratchFacts(event)}`;
    case 'check-ended': {
      const { id, verdict, reason, duration_ms } = event.check;
      const time = duration_ms === undefined ? '' : ` in ${formatDuration(duration_ms)}`;
      return `check ${printable(id)}: ${verdict}${reason === undefined ? '' : ` (${reason})`}${time}`;
    }
    case 'phase-ended':
      return `${event.phase.name}: ${event.phase.outcome} in ${formatDuration(event.phase.duration_ms)}`;
    case 'phase-started':
    case 'progress':
    case 'check-started':
    case 'judged':
      return undefined;
  }
}
