import { formatDuration, type Measured, measuredRpo, measuredRto, type Predicate } from '@muster/core';

/** By how much an objective was missed, and what to do now. */
export function missedMessage(predicate: Measured & Pick<Predicate, 'reason' | 'objectives'>): string {
  const { reason, objectives, newest_backup: newest, recovery, backup } = predicate;
  const measured = (reason === 'rto_missed' ? measuredRto(predicate) : measuredRpo(predicate)) ?? 0;
  const allowed = (reason === 'rto_missed' ? objectives?.rto_s : objectives?.rpo_s) ?? 0;
  const over = `${formatDuration(measured)}, and ${formatDuration(allowed * 1000)} is allowed`;
  if (reason === 'rto_missed')
    return `To fetch and restore the backup took ${over} (objectives.rto): give the scratch more cpus, or restore less.`;
  return recovery?.last_commit_before !== undefined
    ? `The age of the newest commit in all WAL there is, of ${recovery.last_commit_before}, or of the newest backup where that is newer, is ${over} (objectives.rpo): see whether WAL is still archived. Where nothing is committed for so long, let something write once in a while.`
    : `The age of the newest backup, ${newest?.id}, is ${over} (objectives.rpo): see whether the job that makes backups still runs.${zoneHint(newest, backup?.format)}`;
}

/** pg_dump writes the time of its machine, and mostly not in which zone; pgBackRest counts seconds, which have none. */
function zoneHint(newest: Predicate['newest_backup'], format: string | undefined): string {
  if (newest?.created_at_from !== 'header' || format?.startsWith('pgbackrest-')) return '';
  return ` That is by the time ${newest.created_at} in its header; where it is of another zone, name that as backup.tz.`;
}
