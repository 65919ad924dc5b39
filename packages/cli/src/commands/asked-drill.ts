import { type RestorePoint, type Source, scheduledSource } from '@muster/core';
import type { DrillAsked } from '../perform-drill.js';
import { scheduleOf } from './schedule-of.js';

/** A drill as a schedule of its source asks it, but of the restore point that flags name, if they name one. */
export function askedDrill(
  source: Source,
  flagged: RestorePoint,
  name: string | undefined,
): Pick<DrillAsked, 'source' | 'restorePoint' | 'schedule'> {
  if (name === undefined) return { source, restorePoint: flagged };
  const schedule = scheduleOf(source, name);
  const restorePoint = flagged.kind === 'latest' ? schedule.restorePoint : flagged;
  return { source: scheduledSource(source, schedule), restorePoint, schedule: name };
}
