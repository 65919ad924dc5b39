import {
  EXPECTED_POINT,
  EXPECTED_TIME,
  MOST_DAYS,
  MusterError,
  type RestorePoint,
  readWalPoint,
  restoreTime,
} from '@muster/core';
import { type Command, Option } from 'commander';

/** Which backup, on the command line. */
export interface RestorePointOptions {
  readonly backup?: string;
  readonly oldest?: true;
  readonly at?: string;
  readonly random?: true;
  readonly days?: string;
}

export function addRestorePointOptions(command: Command): Command {
  return command
    .option('--backup <id>', 'this backup (default: the newest)')
    .addOption(new Option('--oldest', 'the oldest backup').conflicts('backup'))
    .addOption(
      new Option(
        '--at <point>',
        'the newest made by then: RFC 3339, or -2h; of pgBackRest also xid:N, name:X or lsn:X/Y',
      ).conflicts(['backup', 'oldest']),
    )
    .addOption(
      new Option('--random', 'one by lot, which anybody can draw again').conflicts([
        'backup',
        'oldest',
        'at',
      ]),
    )
    .option('--days <n>', 'with --random: of the backups of the last n days');
}

/** @throws `usage`. */
export function restorePointOf(options: RestorePointOptions, now: Date): RestorePoint {
  const { backup, oldest, at, random, days } = options;
  if (days !== undefined && !random)
    throw new MusterError('usage', '--days belongs to --random: it says of how many days one is drawn.');
  if (backup !== undefined) return { kind: 'id', id: backup };
  if (at !== undefined) return walPointOf(at) ?? { kind: 'time', time: timeOf(at, now) };
  if (random) return { kind: 'random', ...(days !== undefined && { days: daysOf(days) }) };
  return { kind: oldest ? 'oldest' : 'latest' };
}

function walPointOf(text: string): RestorePoint | undefined {
  const [, kind, word = ''] = /^(xid|name|lsn):(.*)$/su.exec(text) ?? [];
  if (kind !== 'xid' && kind !== 'name' && kind !== 'lsn') return undefined;
  const point = readWalPoint(kind, word);
  if (point === undefined) throw new MusterError('usage', `--at ${kind}: ${EXPECTED_POINT[kind]}.`);
  return point;
}

function timeOf(text: string, now: Date): string {
  const time = restoreTime(text, now);
  if (time === undefined) throw new MusterError('usage', `--at: ${EXPECTED_TIME}.`);
  if (time > now) throw new MusterError('usage', `--at: ${time.toISOString()} is still to come.`);
  return text;
}

function daysOf(text: string): number {
  const days = /^[1-9]\d*$/.test(text) ? Number(text) : 0;
  if (days > 0 && days <= MOST_DAYS) return days;
  throw new MusterError('usage', `--days takes a number of days, 1 to ${MOST_DAYS}.`);
}
