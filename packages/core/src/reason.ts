import type { Verdict } from './verdict.js';

interface ReasonFacts {
  /** `fail`: evidence against the backup. `error`: it could not be judged (law 4). */
  readonly result: Exclude<Verdict, 'pass'>;
  /** A fault of the infrastructure that another attempt may not meet. */
  readonly retryable: boolean;
  /** One sentence for people: docs, `drill show`, the table at the end of a drill. */
  readonly meaning: string;
}

const fail = (meaning: string): ReasonFacts => ({ result: 'fail', retryable: false, meaning });
const error = (meaning: string): ReasonFacts => ({ result: 'error', retryable: false, meaning });
const retry = (meaning: string): ReasonFacts => ({ result: 'error', retryable: true, meaning });

/** Why a drill did not pass: the closed list of a receipt's top-level `reason`, and whose fault each is. */
export const REASONS = {
  // Evidence against the backup.
  no_backup: fail('no backup, or none of the id that was asked for, is where the source keeps them'),
  no_backup_in_window: fail('no backup was made in the window that the random choice is drawn from'),
  no_backup_before: fail('no backup was made at or before the time or WAL location asked for'),
  empty: fail('the backup is empty'),
  not_a_dump: fail('the backup is in no format that the engine reads'),
  truncated: fail('the backup ends before its end'),
  corrupt: fail('the backup is damaged'),
  checksum_mismatch: fail(
    'the backup, or a companion, does not match the checksum that lies beside it or that its storage keeps',
  ),
  companion_missing: fail(
    'a companion, which must be in place before the server starts, is not where the source keeps it',
  ),
  meta_command: fail('the dump holds a psql meta-command that pg_dump does not write'),
  wal_gap: fail('a WAL segment that the recovery needs is not in the archive'),
  target_not_reached: fail('the recovery did not reach the point that was asked for'),
  restore_failed: fail('the restore tool reported an error that healthy backups do not give'),
  check_failed: fail('a check found what its owner does not expect'),
  not_absent: fail('a check holds that must not hold yet at the restore point'),
  fidelity_different: fail(
    'what the restore brought back is not what was recorded when the backup was taken',
  ),
  rpo_missed: fail('the newest data that was found restorable is older than the objective rpo allows'),
  rto_missed: fail('to fetch and restore the backup took longer than the objective rto allows'),
  // Could not be judged.
  check_error: error('a check could not be judged'),
  unknown_database: error('the database to question is not in the backup, or there are several'),
  unsupported_dump: error('a healthy dump of a form that is not supported yet'),
  needs_mongorestore: error(
    'only mongorestore can restore what the dump holds, and the server comes without it',
  ),
  isolation_unavailable: retry('nothing on the worker can isolate a scratch'),
  image_unavailable: error('no image or server of the version that the backup needs'),
  version_unavailable: error('the backup is newer than any server there is for it'),
  extension_missing: error('the server has not an extension that the backup needs'),
  locale_missing: error('the server has not the locale or encoding that the backup needs'),
  backup_unreadable: retry('the place where backups or companions are kept could not be read'),
  future_dated: error(
    'the newest backup, or what was recovered with it, is dated in the future by more than clocks differ',
  ),
  backup_unfinished: retry('the backup is still being written'),
  backup_changed: retry('the backup, or a companion, changed while it was read'),
  secret_unavailable: error('a secret that the source refers to could not be had on the worker'),
  companion_unusable: error(
    'a companion holds what a scratch cannot be shown, such as a link that leads out of it',
  ),
  backup_archived: error(
    'the backup, or a companion, is in an archive storage class, and must be restored from there first',
  ),
  timeline_ambiguous: error(
    'the WAL archive has several timelines, and nobody can tell which the point that was asked for lies on',
  ),
  decrypt_failed: error('the backup is encrypted, and what the source names does not open it'),
  output_limit: error('the backup expands to more than its scratch could hold'),
  credentials_refused: error(
    'the source, or the place of its backups or companions, refused the credentials',
  ),
  source_unreachable: retry('the source did not answer'),
  source_slow: retry('the source took the connection and did not answer in time'),
  source_out_of_connections: retry('the source has no connection to spare'),
  source_locked: retry('a table of the source was locked by somebody else for too long'),
  source_rights_missing: error('the user of the connection may not read all of the source'),
  tls_refused: error('the source cannot be spoken to with the TLS that its connection asks for'),
  source_stopped: retry(
    'the source itself ended the session of its dump: it was stopped or restarted, or an administrator ended it',
  ),
  source_lost: retry('the connection to the source broke in the middle of its dump'),
  dump_failed: retry('the live dump of the source did not finish'),
  launch_failed: retry('the scratch did not start'),
  scratch_lost: retry('the scratch or what runs it stopped in the middle'),
  scratch_disk_full: error('the scratch ran out of disk'),
  scratch_out_of_memory: error('the scratch ran out of memory'),
  time_limit: error('a time limit was reached'),
  cancelled: error('the drill was cancelled'),
  config_unavailable: error('the configuration that the drill was asked under is gone'),
  no_capacity: error(
    'no worker had room for the scratch, could isolate one, and had a key to sign with, for a whole day',
  ),
  worker_lost: error('every worker that tried the drill died'),
  lost: error('the drill was queued, and nothing more was heard of it'),
  missed: error('nothing that could have queued the drill was running when it was due'),
  overrun_skipped: error('the drill before it in the same schedule was not over yet'),
  internal_error: retry('Muster itself failed'),
} as const satisfies Readonly<Record<string, ReasonFacts>>;

export type Reason = keyof typeof REASONS;

export const REASON_CODES = Object.keys(REASONS) as [Reason, ...Reason[]];

export const isReason = (code: string): code is Reason => Object.hasOwn(REASONS, code);

/** Why one check did not pass (checks.md, the table of `expect`). */
export const CHECK_REASONS = {
  expectation_not_met: 'fail',
  null_value: 'fail',
  not_absent: 'fail',
  no_rows: 'error',
  multiple_rows: 'error',
  unknown_column: 'error',
  ambiguous_column: 'error',
  type_mismatch: 'error',
  non_finite: 'error',
  row_too_large: 'error',
  query_failed: 'error',
  timeout: 'error',
  server_lost: 'error',
} as const satisfies Readonly<Record<string, 'fail' | 'error'>>;

export type CheckReason = keyof typeof CHECK_REASONS;

export const CHECK_REASON_CODES = Object.keys(CHECK_REASONS) as [CheckReason, ...CheckReason[]];
