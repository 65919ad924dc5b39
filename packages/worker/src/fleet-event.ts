import type { DrillEvent } from '@muster/drill';
import type { FleetEvent } from '@muster/queue';

/** What of a drill's event may be told to the fleet: nothing that a database or a tool said. */
export function fleetEvent(event: DrillEvent): FleetEvent | undefined {
  switch (event.type) {
    case 'planned':
      return undefined;
    case 'phase-started':
    case 'check-started':
      return event;
    case 'progress': {
      const { totalBytes, ...rest } = event;
      return { ...rest, ...(totalBytes !== undefined && { total_bytes: totalBytes }) };
    }
    case 'launched': {
      const { engineVersion, ...rest } = event;
      return { ...rest, engine_version: engineVersion };
    }
    case 'located': {
      const { type, backup, sizeBytes, createdAt, format, notBehind } = event;
      return {
        type,
        backup,
        ...(sizeBytes !== undefined && { size_bytes: sizeBytes }),
        ...(createdAt && { created_at: createdAt.toISOString() }),
        ...(format !== undefined && { format }),
        ...(notBehind !== undefined && { not_behind: notBehind }),
      };
    }
    case 'check-ended': {
      const { id, verdict, reason, duration_ms } = event.check;
      return {
        type: event.type,
        id,
        verdict,
        ...(reason && { reason }),
        ...(duration_ms !== undefined && { duration_ms }),
      };
    }
    case 'phase-ended': {
      const { name: phase, outcome, duration_ms } = event.phase;
      return { type: event.type, phase, outcome, duration_ms };
    }
    case 'judged': {
      const { type, result, reason } = event;
      return { type, result, ...(reason && { reason }) };
    }
  }
}
