import { backupFaults } from './backup-faults.js';
import { broken } from './broken.js';
import { fidelityFaults } from './fidelity-faults.js';
import { drillTime } from './ids.js';
import { lastOutcome } from './last-outcome.js';
import { objectiveFaults } from './objective-faults.js';
import { missedObjective } from './objectives.js';
import { CHECK_REASONS, type CheckReason, REASONS, type Reason } from './reason.js';
import { recoveryFaults } from './recovery.js';
import { replayFaults } from './replay-faults.js';
import { restorePointFaults } from './restore-point-faults.js';
import type { Attempt, CheckRecord, Predicate, Statement } from './statement.js';
import { timeFaults } from './time-faults.js';
import { UNFINISHED_REASONS } from './unfinished.js';
import { failedReason, rollUp } from './verdict.js';

/**
 * What in a statement contradicts itself, one clause each; empty where nothing does. It is given a statement that its
 * schema accepted. The clauses name parts of the statement and nothing out of it but ids of checks.
 */
export function checkConsistency(statement: Statement): string[] {
  const { predicate } = statement;
  return [
    ...resultFaults(predicate),
    ...rollUpFaults(predicate),
    ...objectiveFaults(predicate),
    ...predicate.checks.flatMap(checkFaults),
    ...stageFaults(predicate),
    ...companionFaults(predicate),
    ...attemptFaults(predicate),
    ...issuerFaults(predicate),
    ...timeFaults(predicate),
    ...subjectFaults(statement),
    ...restorePointFaults(predicate),
    ...backupFaults(predicate),
    ...recoveryFaults(predicate),
    ...replayFaults(predicate),
    ...askedFaults(predicate),
    ...fidelityFaults(predicate),
  ];
}

function resultFaults({ result, reason, checks, restore_only: restoreOnly }: Predicate): string[] {
  return broken([
    [result !== 'pass' || reason === undefined, 'a pass has a reason'],
    [result === 'pass' || reason !== undefined, `a result of ${result} has no reason`],
    [
      result === 'pass' || reason === undefined || REASONS[reason].result === result,
      `the reason ${reason} does not belong to a result of ${result}`,
    ],
    [restoreOnly !== true || checks.length === 0, 'restore_only has checks'],
    [restoreOnly === true || checks.length > 0, 'there are no checks, and restore_only is not said'],
  ]);
}

function rollUpFaults({ result, reason, checks, phases, objectives, fidelity }: Predicate): string[] {
  const rolled = rollUp(checks.map(({ verdict }) => verdict));
  const questioned = lastOutcome(phases, 'check') === 'done';
  const missed = missedObjective(objectives) !== undefined || fidelity?.verdict === 'different';
  return broken([
    [result !== 'pass' || rolled === 'pass', `the result is pass, and the checks roll up to ${rolled}`],
    [rolled !== 'fail' || result === 'fail', `a check failed, and the result is ${result}`],
    [
      !questioned || rolled === result || (missed && result === 'fail'),
      `all checks were asked and roll up to ${rolled}, and the result is ${result}`,
    ],
    ...(['check_failed', 'not_absent'] as const).map(
      (one) =>
        [
          (reason === one) === (failedReason(checks) === one),
          `the reason ${one} and a failed check go together`,
        ] as const,
    ),
    [
      reason !== 'check_error' || rolled === 'error',
      'the reason is check_error, and no check ended in error',
    ],
  ]);
}

const WITH_ROW: ReadonlySet<CheckReason | undefined> = new Set<CheckReason | undefined>([
  undefined,
  'expectation_not_met',
  'null_value',
  'not_absent',
  'unknown_column',
  'ambiguous_column',
  'type_mismatch',
  'non_finite',
]);

function checkFaults(check: CheckRecord): string[] {
  const { role, verdict, reason, code, summary, started_at: startedAt, duration_ms: durationMs } = check;
  const name = `check ${JSON.stringify(check.id)}`;
  const ran = startedAt !== undefined && durationMs !== undefined;
  const untouched = [reason, code, summary, startedAt, durationMs].every((field) => field === undefined);
  if (verdict === 'not_run')
    return broken([[untouched, `${name} did not run, and something was seen of it`]]);
  const wanted = reason === undefined ? 'pass' : CHECK_REASONS[reason];
  return broken([
    [ran, `${name} ran, and has not both its times`],
    [verdict === wanted, `${name}: the verdict ${verdict} and its reason do not belong together`],
    [
      role === 'absent' ? verdict !== 'fail' || reason === 'not_absent' : reason !== 'not_absent',
      `${name}: its reason is not one of what the schedule says of it`,
    ],
    [code === undefined || reason === 'query_failed', `${name} has a code, and its query did not fail`],
    [summary === undefined || WITH_ROW.has(reason), `${name} has a summary, and there was no row to judge`],
  ]);
}

/** Checks are asked only of what was restored. */
function stageFaults({ result, phases, checks, restore, backup, environment, source }: Predicate): string[] {
  const restored = lastOutcome(phases, 'restore') === 'done';
  const asked = lastOutcome(phases, 'check');
  const reached = (['locate', 'fetch', 'launch', 'restore'] as const).every((name) =>
    ['done', undefined].includes(lastOutcome(phases, name)),
  );
  const noneRan = checks.every(({ verdict }) => verdict === 'not_run');
  return broken([
    [(restored && reached) || noneRan, 'a check ran, and the backup was not restored'],
    [asked !== undefined || noneRan, 'a check ran, and there was no phase of checks'],
    [
      asked === undefined || (restored && reached),
      'there is a phase of checks, and the backup was not restored',
    ],
    [
      asked !== 'done' || checks.every(({ verdict }) => verdict !== 'not_run'),
      'a check did not run in a phase that is done',
    ],
    [restored === (restore !== undefined), 'restore and the outcome of its phase contradict each other'],
    [
      restore === undefined ||
        restore.duration_ms ===
          phases.findLast(({ name, outcome }) => name === 'restore' && outcome === 'done')?.duration_ms,
      'restore and its phase took another time',
    ],
    [result !== 'pass' || (restored && reached), 'the result is pass, and the backup was not restored'],
    [result !== 'pass' || backup?.sha256 !== undefined, 'the result is pass, and the backup has no digest'],
    [environment.engine === source.kind, 'the engine is not of the kind of the source'],
  ]);
}

/** A server starts with all its companions in place, and each has a place of its own. */
function companionFaults({ companions = [], phases, reason }: Predicate): string[] {
  const started = lastOutcome(phases, 'launch') === 'done';
  return broken([
    [
      new Set(companions.map(({ to }) => to)).size === companions.length,
      'two companions have one place in the scratch',
    ],
    [
      !started || companions.every(({ sha256 }) => sha256 !== undefined),
      'the server started, and a companion has no digest',
    ],
    [
      companions.every(
        ({ sha256, size_bytes: size, files }) =>
          (sha256 === undefined) === (size === undefined) && (sha256 === undefined) === (files === undefined),
      ),
      'a companion has not all of digest, size and count of files',
    ],
    [
      reason !== 'companion_missing' || companions.some(({ sha256 }) => sha256 === undefined),
      'the reason is companion_missing, and every companion has a digest',
    ],
  ]);
}

const INCONCLUSIVE: ReadonlySet<Attempt['outcome']> = new Set<Attempt['outcome']>([
  'error',
  'lost',
  'returned',
]);

function attemptFaults({ attempts, result, reason, issued_by: issuedBy }: Predicate): string[] {
  const last = attempts.at(-1);
  const bySink = issuedBy === 'sink';
  return [
    ...broken([
      [bySink || last !== undefined, 'nobody tried it, and a worker issued it'],
      [
        bySink || last === undefined || last.outcome === result,
        'the last attempt and the result contradict each other',
      ],
      [
        bySink || last?.reason === undefined || last.reason === reason,
        'the last attempt and the reason contradict each other',
      ],
      [
        attempts.slice(0, bySink ? undefined : -1).every(({ outcome }) => INCONCLUSIVE.has(outcome)),
        'an attempt came to a verdict, and was followed by another',
      ],
    ]),
    ...attempts.flatMap((attempt) =>
      broken([
        [
          attempt.reason === undefined ||
            attempt.outcome === 'lost' ||
            attempt.outcome === 'returned' ||
            REASONS[attempt.reason].result === attempt.outcome,
          "an attempt's outcome and reason do not belong together",
        ],
      ]),
    ),
  ];
}

const BY_BOTH: ReadonlySet<Reason> = new Set<Reason>(['cancelled', 'internal_error']);
/** What no worker can say of a drill that it tried. */
const SINK_ONLY: ReadonlySet<Reason> = new Set(UNFINISHED_REASONS.filter((reason) => !BY_BOTH.has(reason)));

/** The sink speaks where no worker could, and says nothing of the backup. */
function issuerFaults(predicate: Predicate): string[] {
  const { issued_by: issuedBy, reason, result, phases, checks, backup } = predicate;
  if (issuedBy === undefined) {
    return broken([
      [
        reason === undefined || !SINK_ONLY.has(reason),
        `a worker cannot say ${reason}: only the sink that missed it can`,
      ],
    ]);
  }
  return broken([
    [
      result === 'error' && UNFINISHED_REASONS.some((one) => one === reason),
      'the sink issued it, and its reason is not one of a drill without an end',
    ],
    [
      phases.length === 0 && backup === undefined && checks.every(({ verdict }) => verdict === 'not_run'),
      'the sink issued it, and it says what only a worker can have seen',
    ],
  ]);
}

function subjectFaults({ subject: [subject], predicate }: Statement): string[] {
  const { source, backup, restore_point: restorePoint } = predicate;
  const identified = backup?.sha256 !== undefined;
  const name = `${source.slug}/${identified ? backup.id : 'plan'}`;
  return broken([
    [
      subject.name === name,
      'the subject is not named after the backup, or after the plan where there is none',
    ],
    [
      !identified || backup.sha256 === `sha256:${subject.digest.sha256}`,
      'the digests of subject and backup differ',
    ],
    [restorePoint.resolved === backup?.id, 'the restore point resolved to another backup'],
    [
      restorePoint.listed === undefined || backup === undefined,
      'there is a backup, and a count of those that were none',
    ],
  ]);
}

function askedFaults({ trigger, drill_id: drillId, checks }: Predicate): string[] {
  const scheduled = trigger.kind === 'schedule';
  // On the command line somebody may try what a schedule asks.
  const named = trigger.schedule !== undefined;
  return broken([
    [
      (scheduled ? named : !named || trigger.kind === 'cli') &&
        scheduled === (trigger.scheduled_for !== undefined),
      'the trigger and its schedule contradict each other',
    ],
    [
      trigger.scheduled_for === undefined ||
        Date.parse(trigger.scheduled_for) === drillTime(drillId).getTime(),
      "the drill's id is not of the time that it was scheduled for",
    ],
    [
      named || checks.every(({ role }) => role === undefined),
      'a check has a role, and no schedule gave it one',
    ],
    [new Set(checks.map(({ id }) => id)).size === checks.length, 'a check stands twice'],
  ]);
}
