import { formatDuration, type Measured, measuredRpo, measuredRto, type Predicate } from '@muster/core';

/** By how much an objective was missed, and what to do now. */
export function missedMessage(predicate: Measured & Pick<Predicate, 'reason' | 'objectives'>): string {
  const { reason, objectives, newest_backup: newest } = predicate;
  const measured = (reason === 'rto_missed' ? measuredRto(predicate) : measuredRpo(predicate)) ?? 0;
  const allowed = (reason === 'rto_missed' ? objectives?.rto_s : objectives?.rpo_s) ?? 0;
  const over = `${formatDuration(measured)}, and ${formatDuration(allowed * 1000)} is allowed`;
  return reason === 'rto_missed'
    ? `To fetch and restore the backup took ${over} (objectives.rto): give the scratch more cpus, or restore less.`
    : `The age of the newest backup, ${newest?.id}, is ${over} (objectives.rpo): see whether the job that makes backups still runs.${zoneHint(newest)}`;
}

/** pg_dump writes the time of its machine, and mostly not in which zone. */
function zoneHint(newest: Predicate['newest_backup']): string {
  if (newest?.created_at_from !== 'header') return '';
  return ` That is by the time ${newest.created_at} in its header; where it is of another zone, name that as backup.tz.`;
}
