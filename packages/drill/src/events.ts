import type { DrillEvent } from './drill-event.js';
import type { DrillRequest } from './drill-ports.js';
import type { Launched } from './launch.js';
import type { Located, LocatedRemote } from './locate.js';
import type { Seen } from './seen.js';

/** What a launched scratch tells. */
export function launchedEvent(request: DrillRequest, { scratch, base, server }: Launched): DrillEvent {
  const { isolation } = scratch;
  return {
    type: 'launched',
    isolation,
    ...(base.image && { image: base.image }),
    engine: request.source.kind,
    engineVersion: server.substitute ?? server.version,
    ...(server.substitute !== undefined && { substitute: true as const }),
  };
}

/** What a located backup tells. */
export function locatedEvent(
  located: Located | LocatedRemote,
  seen: Seen,
): Extract<DrillEvent, { type: 'located' }> {
  const { id, location, createdAt, facts } = located.kind === 'remote' ? located.backup : located;
  const sizeBytes = seen.found?.sizeBytes;
  return {
    type: 'located',
    backup: id,
    location,
    ...(sizeBytes !== undefined && { sizeBytes }),
    createdAt,
    ...(facts && { format: facts.format }),
  };
}
