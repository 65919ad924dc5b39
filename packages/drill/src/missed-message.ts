import { formatDuration, measuredRpo, measuredRto, type Predicate } from '@muster/core';

/** By how much an objective was missed, and what to do now. */
export function missedMessage(predicate: Predicate, newest: string | undefined): string {
  const { reason, objectives } = predicate;
  const told = (measured: number | undefined, seconds: number | undefined): string =>
    `${formatDuration(measured ?? 0)}, and no more than ${formatDuration((seconds ?? 0) * 1000)} is allowed`;
  return reason === 'rto_missed'
    ? `To fetch and restore the backup took ${told(measuredRto(predicate), objectives?.rto_s)} (objectives.rto): give the scratch more cpus, or restore less.`
    : `The newest backup, ${newest}, is of ${told(measuredRpo(predicate), objectives?.rpo_s)} (objectives.rpo): see whether the job that makes backups still runs.`;
}
