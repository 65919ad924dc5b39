import type { Source } from '@muster/core';
import type { Finding } from './finding.js';

/** What becomes of the backups that Muster takes of a source; undefined where it takes none. */
export function retentionFinding({ slug, take }: Pick<Source, 'slug' | 'take'>): Finding | undefined {
  if (take === undefined) return undefined;
  const subject = `${slug}: retention`;
  const { retain, schedules } = take;
  if (retain === undefined) {
    const detail =
      'nothing is ever deleted: say how many backups are kept, such as take: { retain: { count: 7, days: 14 } }';
    return schedules.length === 0 ? undefined : { subject, outcome: 'warning', detail };
  }
  const { count, days } = retain;
  const kept = [
    ...(count === undefined ? [] : [`the newest ${count}`]),
    ...(days === undefined ? [] : [`those of the last ${days} days`]),
  ];
  return { subject, outcome: 'ok', detail: `kept are ${kept.join(' and ')}` };
}
