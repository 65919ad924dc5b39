import { shellQuote } from '../../shell-quote.js';
import type { ControlData } from './control-data.js';
import { FETCHED, type RecoveryTarget } from './recovery-log.js';

/**
 * The settings of a server that recovers a backup set, over those of every scratch. They go on its command line: what the
 * backup's own configuration asks for is not read.
 */
export function recoverySettings(
  base: Readonly<Record<string, string>>,
  options: {
    readonly major: number;
    readonly control: ControlData;
    readonly restoreCommand: string;
    readonly target: RecoveryTarget;
    /** As `recovery_target_timeline` has it. */
    readonly timeline: string;
    /** Names of what is preloaded. */
    readonly preload: readonly string[];
  },
): Readonly<Record<string, string>> {
  const { major, control, restoreCommand, target, timeline, preload } = options;
  return {
    ...base,
    ...Object.fromEntries(
      Object.entries(control.minima).map(([name, least]) => [
        name,
        String(Math.max(least, Number(base[name] ?? 0))),
      ]),
    ),
    shared_preload_libraries: preload.join(','),
    restore_command: restoreCommand,
    recovery_target_timeline: timeline,
    // Nobody connects before it is over; so the settings of the primary are no bound for it.
    hot_standby: 'off',
    // A subscription of the primary's is not ours to follow.
    max_logical_replication_workers: '0',
    // What was fetched is then what was read: a replay that ends within a segment asks for no further one.
    ...(major >= 15 ? { recovery_prefetch: 'off' } : {}),
    // Nothing in the backup runs because somebody logs in.
    ...(major >= 17 ? { event_triggers: 'off' } : {}),
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...targetSettings(target),
  };
}

function targetSettings(target: RecoveryTarget): Readonly<Record<string, string>> {
  switch (target.kind) {
    case 'latest':
      return {};
    case 'immediate':
      return { recovery_target: 'immediate', recovery_target_action: 'promote' };
    case 'time':
      // Without a letter for a zone: a server reads this before it knows any.
      return { recovery_target_time: serverTime(target.at), recovery_target_action: 'promote' };
    case 'xid':
      return { recovery_target_xid: target.xid, recovery_target_action: 'promote' };
    case 'name':
      return { recovery_target_name: target.name, recovery_target_action: 'promote' };
    case 'lsn':
      // What begins there belongs to what comes after.
      return {
        recovery_target_lsn: target.lsn,
        recovery_target_inclusive: 'off',
        recovery_target_action: 'promote',
      };
  }
}

const serverTime = (at: Date): string => at.toISOString().replace('T', ' ').replace('Z', '+00');

/**
 * Fetches one segment, and tells the SHA-1 of it: pgBackRest does not hold it to the one that its name in the archive has. That one is not there (1) ends the replay; any other fault must stop it, and a server takes an
 * exit code over 125 for that, where it would go on without the segment.
 */
export function restoreCommand(config: string, stanza: string): string {
  const fetch = `pgbackrest --config=${shellQuote(config)} --stanza=${shellQuote(stanza)} --log-level-console=off --log-level-stderr=error archive-get %f "%p"`;
  return `${fetch}; code=$?; [ $code -le 1 ] || exit 126; [ $code = 0 ] || exit 1; sum=$(sha1sum < "%p") || exit 126; echo "${FETCHED} %f $sum" >&2`;
}
