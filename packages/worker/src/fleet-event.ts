import type { DrillEvent } from '@muster/drill';
import type { FleetEvent } from '@muster/queue';

/** What of a drill's event may be told to the fleet: nothing that a database or a tool said. */
export function fleetEvent(event: DrillEvent): FleetEvent | undefined {
  switch (event.type) {
    case 'planned':
      return undefined;
    case 'phase-started':
    case 'progress':
    case 'launched':
    case 'check-started':
      return event;
    case 'located': {
      const { type, backup, sizeBytes, createdAt, format } = event;
      return {
        type,
        backup,
        ...(sizeBytes !== undefined && { sizeBytes }),
        ...(createdAt && { createdAt: createdAt.toISOString() }),
        ...(format !== undefined && { format }),
      };
    }
    case 'check-ended': {
      const { id, verdict, reason, duration_ms: durationMs } = event.check;
      return {
        type: event.type,
        id,
        verdict,
        ...(reason && { reason }),
        ...(durationMs !== undefined && { durationMs }),
      };
    }
    case 'phase-ended': {
      const { name: phase, outcome, duration_ms: durationMs } = event.phase;
      return { type: event.type, phase, outcome, durationMs };
    }
    case 'judged': {
      const { type, result, reason } = event;
      return { type, result, ...(reason && { reason }) };
    }
  }
}
