import { describe, expect, it } from 'vitest';
import { checkConsistency } from './consistency.js';
import { sha256 } from './digest.js';
import { newDrillId } from './ids.js';
import {
  PREDICATE_TYPE,
  type Predicate,
  STATEMENT_TYPE,
  type Statement,
  statementSchema,
} from './statement.js';

const HEX = 'a'.repeat(64);
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 20, 3, 0, seconds)).toISOString();

const check = (id: string, seconds: number): Predicate['checks'][number] => ({
  id,
  check_sha256: sha256(id),
  expect_sha256: sha256('n > 0'),
  verdict: 'pass',
  summary: { n: 1 },
  started_at: at(seconds),
  duration_ms: 1000,
});
const notRun = ({ id, check_sha256, expect_sha256 }: Predicate['checks'][number]) => ({
  id,
  check_sha256,
  expect_sha256,
  verdict: 'not_run' as const,
});

const CHECKS = [check('a', 6), check('b', 7)] as const;
const [A, B] = CHECKS;

const phase = (
  name: Predicate['phases'][number]['name'],
  seconds: number,
  outcome: Predicate['phases'][number]['outcome'] = 'done',
) => ({ name, started_at: at(seconds), duration_ms: 2000, outcome });
const LOCATE = phase('locate', 0);
const LAUNCH = phase('launch', 2);
const RESTORE = phase('restore', 4);
const CHECK = phase('check', 6);
const DESTROY = phase('destroy', 8);
const REPORT = { duration_ms: 2000, bytes: 5, warnings: [] };
const BACKUP = { id: 'shop.dump', sha256: `sha256:${HEX}`, location: '/backups/shop.dump' } as const;

const PASS: Predicate = {
  drill_id: newDrillId(new Date(at(0)), () => 0),
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'cli' },
  config_sha256: sha256(''),
  restore_point: { kind: 'latest', resolved: BACKUP.id },
  backup: BACKUP,
  environment: {
    worker: 'w',
    pool: 'default',
    limits: {},
    engine: 'postgres',
    muster_version: '0.1.0',
    node_version: 'v24',
    os: 'Linux',
  },
  phases: [LOCATE, LAUNCH, RESTORE, CHECK, DESTROY],
  restore: REPORT,
  checks: [...CHECKS],
  attempts: [{ worker: 'w', started_at: at(0), ended_at: at(10), outcome: 'pass' }],
  result: 'pass',
  issued_at: at(10),
};

/** The statement of a drill that passed, changed; the last attempt follows the result unless it is changed too. */
function statement(changes: Partial<Predicate>, without: readonly (keyof Predicate)[] = []): Statement {
  const { result = 'pass', reason } = changes;
  const attempt = {
    worker: 'w',
    started_at: at(0),
    ended_at: at(10),
    outcome: result,
    ...(reason && { reason }),
  };
  const predicate = { ...PASS, attempts: [attempt], ...changes };
  for (const key of without) delete (predicate as Partial<Predicate>)[key];
  const name = predicate.backup?.sha256 === undefined ? 'shop/plan' : 'shop/shop.dump';
  return statementSchema.parse({
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: HEX } }],
    predicateType: PREDICATE_TYPE,
    predicate,
  });
}

const failed = { ...A, verdict: 'fail', reason: 'expectation_not_met' } as const;
const { summary: _, ...withoutRow } = A;
const broke = { ...withoutRow, verdict: 'error', reason: 'query_failed', code: '42P01' } as const;
const unrun = CHECKS.map(notRun);
const SCHEDULED = { kind: 'schedule', schedule: 's', scheduled_for: at(0) } as const;
const early = { ...B, role: 'absent', verdict: 'fail', reason: 'not_absent' } as const;

describe('a consistent statement', () => {
  it.each<[string, Statement]>([
    ['of a pass', statement({})],
    [
      'of a pass that only restored',
      statement({ restore_only: true, checks: [], phases: [LOCATE, LAUNCH, RESTORE, DESTROY] }),
    ],
    ['of a failed check', statement({ checks: [failed, B], result: 'fail', reason: 'check_failed' })],
    [
      'of checks that a schedule names',
      statement({
        trigger: SCHEDULED,
        checks: [
          { ...A, role: 'present' },
          { ...B, role: 'absent' },
        ],
      }),
    ],
    [
      'of what was there too early',
      statement({ trigger: SCHEDULED, checks: [A, early], result: 'fail', reason: 'not_absent' }),
    ],
    [
      'of what was there too early beside what was not there',
      statement({ trigger: SCHEDULED, checks: [failed, early], result: 'fail', reason: 'check_failed' }),
    ],
    ['of a check in error', statement({ checks: [broke, B], result: 'error', reason: 'check_error' })],
    [
      'of a backup that does not restore',
      statement(
        {
          phases: [LOCATE, LAUNCH, phase('restore', 4, 'failed'), DESTROY],
          checks: unrun,
          result: 'fail',
          reason: 'corrupt',
        },
        ['restore'],
      ),
    ],
    [
      'of no backup',
      statement(
        {
          phases: [phase('locate', 0, 'failed')],
          checks: unrun,
          restore_point: { kind: 'latest' },
          result: 'fail',
          reason: 'no_backup',
        },
        ['restore', 'backup'],
      ),
    ],
    [
      'of a backup whose digest is not known',
      statement(
        {
          phases: [LOCATE, phase('launch', 2, 'cancelled')],
          checks: unrun,
          backup: { id: BACKUP.id, location: 'x' },
          result: 'error',
          reason: 'cancelled',
        },
        ['restore'],
      ),
    ],
    [
      'of a second launch, after the first scratch was too small',
      statement({
        phases: [
          { ...LOCATE, duration_ms: 100 },
          { ...phase('launch', 1), duration_ms: 100 },
          { ...phase('restore', 2, 'failed'), duration_ms: 100 },
          { ...phase('destroy', 3), duration_ms: 100 },
          { ...phase('launch', 4), duration_ms: 100 },
          { ...phase('restore', 5), duration_ms: 100 },
          CHECK,
          DESTROY,
        ],
        restore: { ...REPORT, duration_ms: 100 },
      }),
    ],
    [
      'of a drill that was cancelled between its checks',
      statement({
        phases: [LOCATE, LAUNCH, RESTORE, phase('check', 6, 'cancelled'), DESTROY],
        checks: [A, notRun(B)],
        result: 'error',
        reason: 'cancelled',
      }),
    ],
    [
      'of a scratch that was lost after a check failed',
      statement({
        phases: [LOCATE, LAUNCH, RESTORE, phase('check', 6, 'failed'), DESTROY],
        checks: [failed, notRun(B)],
        result: 'fail',
        reason: 'check_failed',
      }),
    ],
    [
      'of a worker that was lost, and of one after it',
      statement({
        attempts: [
          { worker: 'v', started_at: at(-9), outcome: 'lost' },
          { worker: 'w', started_at: at(0), ended_at: at(10), outcome: 'pass' },
        ],
      }),
    ],
    [
      'of a worker that gave it back, and of one whose clock is four minutes behind',
      statement({
        attempts: [
          { worker: 'v', started_at: at(-9), ended_at: at(240), outcome: 'returned' },
          { worker: 'w', started_at: at(0), ended_at: at(10), outcome: 'pass' },
        ],
      }),
    ],
    [
      'of a schedule',
      statement({ trigger: { kind: 'schedule', schedule: 'nightly', scheduled_for: at(0) } }),
    ],
    [
      'of a schedule that was tried by hand',
      statement({
        trigger: { kind: 'cli', schedule: 'nightly' },
        checks: [{ ...A, role: 'present' }, B],
      }),
    ],
  ])('%s has no fault', (_name, made) => {
    expect(checkConsistency(made)).toEqual([]);
  });
});

const MADE = { ...BACKUP, created_at: at(-3600), created_at_from: 'header' } as const;
const NEWEST = { id: BACKUP.id, created_at: at(-3600), created_at_from: 'header' } as const;
const seen = { backup: MADE, newest_backup: NEWEST };
const rpo = (seconds: number, rpo_met: boolean) => ({ enforce: 'rpo' as const, rpo_s: seconds, rpo_met });
const rto = (enforce: 'rpo' | 'all', seconds: number, rto_met: boolean) => ({
  enforce,
  rto_s: seconds,
  rto_met,
});
const point = (restore_point: Predicate['restore_point'], created_at = at(-3600)) => ({
  backup: { ...MADE, created_at },
  restore_point: { resolved: BACKUP.id, ...restore_point },
});

describe('objectives', () => {
  it.each<[string, Statement]>([
    ['met', statement({ ...seen, objectives: { ...rpo(3600, true), rto_s: 2, rto_met: true } })],
    ['missed', statement({ ...seen, objectives: rpo(3599, false), result: 'fail', reason: 'rpo_missed' })],
    [
      'missed where a check could not be judged',
      statement({
        ...seen,
        objectives: rpo(3599, false),
        checks: [broke, B],
        result: 'fail',
        reason: 'rpo_missed',
      }),
    ],
    [
      'missed where a check failed too',
      statement({
        ...seen,
        objectives: rpo(3599, false),
        checks: [failed, B],
        result: 'fail',
        reason: 'check_failed',
      }),
    ],
    [
      'missed, of a drill without an end',
      statement(
        {
          ...seen,
          objectives: rpo(1, false),
          phases: [LOCATE, LAUNCH],
          checks: unrun,
          result: 'error',
          reason: 'launch_failed',
        },
        ['restore'],
      ),
    ],
    ['missed, and not enforced', statement({ ...seen, objectives: { ...rpo(1, false), enforce: 'none' } })],
    ['an rto missed, which only all enforces', statement({ objectives: rto('rpo', 1, false) })],
    ['an rto missed', statement({ objectives: rto('all', 1, false), result: 'fail', reason: 'rto_missed' })],
    [
      'an rpo of a live source, which has no backups',
      statement({
        backup: { ...MADE, created_at_from: 'dump', location: 'live:shop' },
        objectives: { enforce: 'rpo', rpo_s: 60 },
      }),
    ],
  ])('%s', (_name, made) => expect(checkConsistency(made)).toEqual([]));

  it.each<[string, Statement, string]>([
    ['a pass that missed its rpo', statement({ ...seen, objectives: rpo(1, false) }), 'was missed'],
    ['a pass that missed its rto', statement({ objectives: rto('all', 1, false) }), 'was missed'],
    ['an rpo that was not kept', statement({ ...seen, objectives: rpo(1, true) }), 'not that of what was'],
    ['an rto that was not kept', statement({ objectives: rto('all', 1, true) }), 'not that of what was'],
    [
      'an rpo without a verdict',
      statement({ ...seen, objectives: { enforce: 'rpo', rpo_s: 60 } }),
      'not that of what was measured',
    ],
    [
      'an rpo that nobody measured',
      statement({ backup: MADE, objectives: { enforce: 'rpo', rpo_s: 60 } }),
      'the rpo was not measured',
    ],
    [
      'an rpo that nobody measured, of a backup that does not say whence its time is',
      statement({ objectives: { enforce: 'rpo', rpo_s: 60 } }),
      'the rpo was not measured',
    ],
    [
      'an rpo of a stored backup that is called a live one',
      statement({
        backup: { ...MADE, created_at_from: 'dump' },
        objectives: { enforce: 'rpo', rpo_s: 60 },
      }),
      'only a live source has that',
    ],
    [
      'an rto of a restore that is told shorter than its phase',
      statement({ objectives: rto('all', 1, true), restore: { ...REPORT, duration_ms: 1 } }),
      'restore and its phase took another time',
    ],
    [
      'a reason without its objective',
      statement({ ...seen, objectives: rpo(3600, true), result: 'fail', reason: 'rpo_missed' }),
      'the reason is rpo_missed',
    ],
    [
      'a newest backup older than the one drilled',
      statement({ backup: { ...MADE, created_at: at(-1) }, newest_backup: NEWEST }),
      'older than the one that was drilled',
    ],
    [
      'a newest backup that was not looked for',
      statement({ ...seen, phases: [LAUNCH, RESTORE, CHECK, DESTROY] }),
      'nobody looked for one',
    ],
  ])('in %s are told so', (_name, made, clause) =>
    expect(checkConsistency(made)).toContainEqual(expect.stringContaining(clause)),
  );
});

describe('a restore point', () => {
  const listing_sha256 = sha256('[]');
  it.each<[string, Statement]>([
    ['a random one', statement(point({ kind: 'random', asked: '14d', listing_sha256 }))],
    ['a time', statement(point({ kind: 'time', asked: at(-3600) }))],
  ])('that is %s', (_name, made) => expect(checkConsistency(made)).toEqual([]));

  it.each<[string, Statement, string]>([
    ['a random one without its listing', statement(point({ kind: 'random' })), 'and its listing go together'],
    ['a listing of no draw', statement(point({ kind: 'oldest', listing_sha256 })), 'its listing go together'],
    ['no time', statement(point({ kind: 'time', asked: 'noon' })), 'the restore point is none'],
    ['another id', statement(point({ kind: 'id', asked: 'y.dump' })), 'another id'],
    [
      'a latest that is not the newest',
      statement({ ...seen, newest_backup: { ...NEWEST, id: 'newer.dump' } }),
      'another backup is the newest',
    ],
  ])('that is %s is told so', (_name, made, clause) =>
    expect(checkConsistency(made)).toContainEqual(expect.stringContaining(clause)),
  );
});

describe('companions', () => {
  const whole = { to: '/models', location: 'file:///m', sha256: sha256(''), size_bytes: 0, files: 1 };
  const unread = { to: '/words', location: 's3://words' };
  const { environment } = PASS;
  const absent = { result: 'fail', reason: 'companion_missing', checks: unrun, environment } as const;
  const FETCH = phase('fetch', 2, 'failed');

  it.each<[string, Statement]>([
    ['in place', statement({ companions: [whole] })],
    [
      'of which one is missing',
      statement({ ...absent, companions: [whole, unread], phases: [LOCATE, FETCH] }, ['restore']),
    ],
  ])('%s are consistent', (_name, made) => expect(checkConsistency(made)).toEqual([]));

  it.each<[string, Statement, string]>([
    ['in one place', statement({ companions: [whole, whole] }), 'two companions have one place'],
    ['not read', statement({ companions: [whole, unread] }), 'a companion has no digest'],
    [
      'half known',
      statement({ companions: [{ ...unread, sha256: sha256('') }] }),
      'not all of digest, size and count',
    ],
    [
      'all there, and one missing',
      statement({ ...absent, companions: [whole], phases: [LOCATE, FETCH] }, ['restore']),
      'every companion has a digest',
    ],
  ])('%s are told so', (_name, made, clause) =>
    expect(checkConsistency(made)).toContainEqual(expect.stringContaining(clause)),
  );
});

describe('a statement that contradicts itself', () => {
  it.each<[string, Statement, string]>([
    [
      'a backup beside a count of those that were none',
      statement({ restore_point: { kind: 'latest', resolved: BACKUP.id, listed: 2 } }),
      'a count of those that were none',
    ],
    ['a pass with a reason', statement({ reason: 'corrupt' }), 'a pass has a reason'],
    ['a fail without one', statement({ checks: [failed, B], result: 'fail' }), 'has no reason'],
    [
      "a fail with an error's reason",
      statement({ result: 'fail', reason: 'cancelled' }),
      'does not belong to a result of fail',
    ],
    ['a pass with a failed check', statement({ checks: [failed, B] }), 'roll up to fail'],
    ['a pass with a check in error', statement({ checks: [broke, B] }), 'roll up to error'],
    ['a pass with a check that did not run', statement({ checks: [A, notRun(B)] }), 'roll up to error'],
    [
      'an error with a failed check',
      statement({ checks: [failed, broke], result: 'error', reason: 'check_error' }),
      'a check failed, and the result is error',
    ],
    [
      'a role that no schedule gave',
      statement({ checks: [A, { ...B, role: 'absent' }] }),
      'a check has a role, and no schedule gave it one',
    ],
    [
      'a pass with what was there too early',
      statement({ trigger: SCHEDULED, checks: [A, early] }),
      'roll up to fail',
    ],
    [
      'check_failed where all failed for being there too early',
      statement({ trigger: SCHEDULED, checks: [A, early], result: 'fail', reason: 'check_failed' }),
      'go together',
    ],
    [
      'an absent check that failed because it does not hold',
      statement({
        trigger: SCHEDULED,
        checks: [{ ...failed, role: 'absent' }, B],
        result: 'fail',
        reason: 'check_failed',
      }),
      'not one of what the schedule says of it',
    ],
    [
      'a present check that was there too early',
      statement({
        trigger: SCHEDULED,
        checks: [A, { ...early, role: 'present' }],
        result: 'fail',
        reason: 'not_absent',
      }),
      'not one of what the schedule says of it',
    ],
    [
      'check_failed without a failed check',
      statement({ result: 'fail', reason: 'check_failed' }),
      'go together',
    ],
    [
      'check_error without a check in error',
      statement({ result: 'error', reason: 'check_error' }),
      'no check ended in error',
    ],
    [
      'a fail though every check passed',
      statement({ result: 'fail', reason: 'corrupt' }),
      'roll up to pass, and the result is fail',
    ],
    ['no checks, unasked', statement({ checks: [] }), 'restore_only is not said'],
    ['checks though only the restore counts', statement({ restore_only: true }), 'restore_only has checks'],
    [
      'a passed check with a reason',
      statement({ checks: [{ ...A, reason: 'null_value' }, B] }),
      'do not belong together',
    ],
    [
      'an error with the reason of a fail',
      statement({ checks: [{ ...broke, reason: 'null_value' }, B], result: 'error', reason: 'check_error' }),
      'do not belong together',
    ],
    [
      'a check that did not run and has a time',
      statement({ checks: [A, { ...notRun(B), started_at: at(7) }] }),
      'something was seen of it',
    ],
    [
      'a check that ran without times',
      statement({ checks: [A, { ...notRun(B), verdict: 'pass' }] }),
      'has not both its times',
    ],
    ['a code without a failed query', statement({ checks: [{ ...A, code: '42P01' }, B] }), 'has a code'],
    [
      'a summary without a row',
      statement({ checks: [{ ...broke, summary: { n: 1 } }, B], result: 'error', reason: 'check_error' }),
      'no row to judge',
    ],
    ['the same check twice', statement({ checks: [A, { ...B, id: 'a' }] }), 'stands twice'],
    [
      'checks of what was not restored',
      statement({ phases: [LOCATE, LAUNCH, phase('restore', 4, 'failed'), CHECK] }, ['restore']),
      'the backup was not restored',
    ],
    ['checks without their phase', statement({ phases: [LOCATE, LAUNCH, RESTORE] }), 'no phase of checks'],
    [
      'a pass without a restore',
      statement({ phases: [], checks: [], restore_only: true }, ['restore']),
      'the backup was not restored',
    ],
    ['a restore that nothing reports', statement({}, ['restore']), 'restore and the outcome of its phase'],
    ['a pass of unknown bytes', statement({ backup: { id: BACKUP.id, location: 'x' } }), 'has no digest'],
    [
      'another engine',
      statement({ environment: { ...PASS.environment, engine: 'mongodb' } }),
      'not of the kind',
    ],
    [
      'another last attempt',
      statement({ attempts: [{ worker: 'w', started_at: at(0), outcome: 'fail' }] }),
      'last attempt and the result',
    ],
    [
      'a pass whose worker was lost',
      statement({ attempts: [{ worker: 'w', started_at: at(0), outcome: 'lost' }] }),
      'the last attempt and the result',
    ],
    [
      'a verdict that was tried again',
      statement({
        attempts: [
          { worker: 'v', started_at: at(0), ended_at: at(1), outcome: 'fail', reason: 'corrupt' },
          { worker: 'w', started_at: at(1), outcome: 'pass' },
        ],
      }),
      'came to a verdict',
    ],
    [
      'attempts that overlap by more than clocks differ',
      statement({
        attempts: [
          { worker: 'v', started_at: at(-9), ended_at: at(301), outcome: 'returned' },
          { worker: 'w', started_at: at(0), ended_at: at(10), outcome: 'pass' },
        ],
      }),
      'the attempts are not one after another',
    ],
    [
      'a drill asked for six minutes after its statement',
      statement({ drill_id: newDrillId(new Date(at(371)), () => 0) }),
      'asked for after',
    ],
    [
      'a worker that says what only the sink can',
      statement({ phases: [], checks: CHECKS.map(notRun), result: 'error', reason: 'worker_lost' }, [
        'restore',
      ]),
      'a worker cannot say worker_lost',
    ],
    [
      'a sink with a verdict on the backup',
      statement({ issued_by: 'sink' }),
      'its reason is not one of a drill without an end',
    ],
    [
      'phases out of order',
      statement({ phases: [LAUNCH, LOCATE, RESTORE, CHECK, DESTROY] }),
      'the phases are not one after another',
    ],
    [
      'phases that overlap',
      statement({ phases: [{ ...LOCATE, duration_ms: 2001 }, LAUNCH, RESTORE, CHECK, DESTROY] }),
      'the phases are not one after another',
    ],
    ['checks out of order', statement({ checks: [B, A] }), 'the checks are not one after another'],
    [
      'a check before its phase',
      statement({ checks: [{ ...A, started_at: at(5) }, B] }),
      'outside the phase of checks',
    ],
    [
      'an attempt that ended before it began',
      statement({ attempts: [{ worker: 'w', started_at: at(5), ended_at: at(4), outcome: 'pass' }] }),
      'ended before it began',
    ],
    ['a statement issued too early', statement({ issued_at: at(9) }), 'after the statement was issued'],
    [
      'a drill of tomorrow',
      statement({ drill_id: newDrillId(new Date(at(86_400)), () => 0) }),
      'asked for after',
    ],
    [
      'another subject',
      { ...statement({}), subject: [{ name: 'shop/other', digest: { sha256: HEX } }] },
      'not named after',
    ],
    [
      "another subject's digest",
      { ...statement({}), subject: [{ name: 'shop/shop.dump', digest: { sha256: 'b'.repeat(64) } }] },
      'digests of subject and backup differ',
    ],
    [
      'another restore point',
      statement({ restore_point: { kind: 'latest', resolved: 'x' } }),
      'resolved to another backup',
    ],
    [
      'a schedule that the API asked for',
      statement({ trigger: { kind: 'api', schedule: 'nightly' } }),
      'the trigger and its schedule',
    ],
    [
      'a schedule of another time',
      statement({ trigger: { kind: 'schedule', schedule: 'nightly', scheduled_for: at(1) } }),
      'scheduled for',
    ],
  ])('in %s is told so', (_name, made, clause) => {
    expect(checkConsistency(made)).toContainEqual(expect.stringContaining(clause));
  });
});
