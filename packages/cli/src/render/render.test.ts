import {
  type Answer,
  type Attempt,
  type Judgement,
  type Plan,
  type RecoveryRecord,
  unfinishedStatement,
} from '@muster/core';
import type { DrillEvent } from '@muster/drill';
import { describe, expect, it } from 'vitest';
import { ConfigFaults } from '../problem.js';
import { createStyle } from '../terminal/style.js';
import { answerLines } from './answer.js';
import { checkTable } from './checks.js';
import { advance, EMPTY_VIEW } from './drill-view.js';
import { faultLines } from './faults.js';
import { liveLines } from './live-drill.js';
import { plainDrill } from './plain-drill.js';
import { receiptLines } from './receipt.js';
import { recoveryText } from './recovery.js';
import { verdictLines } from './verdict.js';
import { verificationLines } from './verification.js';

const style = createStyle(false);
const start = Date.parse('2026-11-20T12:00:00Z');
const at = (seconds: number): Date => new Date(start + seconds * 1000);
const sha = `sha256:${'0'.repeat(64)}`;

/** Events with the second they come at. */
const STORY: readonly (readonly [number, DrillEvent])[] = [
  [0, { type: 'planned', drillId: 'drl_1', source: 'shop', checks: ['orders', 'users'] }],
  [0, { type: 'phase-started', phase: 'locate' }],
  [
    0.1,
    {
      type: 'located',
      backup: 'shop.dump',
      location: 'file:///backups',
      sizeBytes: 8_400_000,
      createdAt: at(-7200),
      format: 'custom',
    },
  ],
  [
    0.1,
    { type: 'phase-ended', phase: { name: 'locate', started_at: '', duration_ms: 100, outcome: 'done' } },
  ],
  [0.1, { type: 'phase-started', phase: 'launch' }],
  [
    1,
    {
      type: 'launched',
      isolation: 'docker',
      image: 'postgres:17',
      engine: 'postgres',
      engineVersion: '17.6',
    },
  ],
  [1, { type: 'phase-ended', phase: { name: 'launch', started_at: '', duration_ms: 900, outcome: 'done' } }],
  [1, { type: 'phase-started', phase: 'restore' }],
  [1, { type: 'progress', phase: 'restore', what: 'restore', bytes: 0, totalBytes: 8_400_000 }],
  [2, { type: 'progress', phase: 'restore', what: 'restore', bytes: 2_100_000, totalBytes: 8_400_000 }],
];
/** The point is not behind the backup of the {@link STORY}. */
const OLDER: typeof STORY = [
  [
    3,
    {
      type: 'phase-ended',
      phase: { name: 'restore', started_at: '', duration_ms: 2000, outcome: 'failed' },
      code: 'target_not_reached',
    },
  ],
  [3, { type: 'located', backup: 'older', location: 'file:///backups', notBehind: 'shop.dump' }],
];
const tell = (story: typeof STORY) =>
  story.reduce((view, [seconds, event]) => advance(view, event, at(seconds)), EMPTY_VIEW);

describe('a drill on a terminal', () => {
  it('shows its phases, bytes, rate and time left', () => {
    expect(liveLines(tell(STORY), at(2), 0, style, 100)).toEqual([
      'drill shop  drl_1',
      '',
      `  ✔ locate   ${'shop.dump · 8.40 MB · custom · made 2 hours ago'.padEnd(75)}  ${'100 ms'.padStart(10)}`,
      `  ✔ launch   ${'PostgreSQL 17.6 · docker · postgres:17'.padEnd(75)}  ${'900 ms'.padStart(10)}`,
      `  ⠋ restore  ${'━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 2.10 MB of 8.40 MB · 2.10 MB/s · 0:03 left'.padEnd(75)}  ${'1.0 s'.padStart(10)}`,
    ]);
  });
  it('says why it tries an older set', () => {
    const view = tell([...STORY, ...OLDER]);
    expect(liveLines(view, at(4), 0, style, 100).slice(2)).toEqual([
      expect.stringMatching(/^ {2}✔ locate {3}older /),
      expect.stringMatching(/^ {2}✔ launch /),
      expect.stringMatching(
        /^ {2}✖ restore {2}the point is not behind shop\.dump; trying the set before it +2\.0 s$/,
      ),
    ]);
  });
  it('has no rate and no time left once all was read', () => {
    const done: typeof STORY = [
      ...STORY,
      [3, { type: 'progress', phase: 'restore', what: 'restore', bytes: 8_400_000, totalBytes: 8_400_000 }],
    ];
    expect(liveLines(tell(done), at(9), 0, style, 100).at(-1)).toContain(' 8.40 MB of 8.40 MB · finishing ');
  });
  it('never takes more columns than there are', () => {
    for (const line of liveLines(tell(STORY), at(2), 0, style, 60))
      expect(line.length).toBeLessThanOrEqual(60);
  });
  it('counts the checks', () => {
    const view = tell([
      ...STORY,
      [3, { type: 'phase-started', phase: 'check' }],
      [3, { type: 'check-started', id: 'orders' }],
    ]);
    expect(liveLines(view, at(3), 0, style, 100).at(-1)).toBe('  ⠋ check    1 of 2 · orders');
  });
  it('shows the restore and not the hashing beside it', () => {
    const view = tell([
      ...STORY,
      [2, { type: 'progress', phase: 'restore', what: 'examine', bytes: 5, totalBytes: 9 }],
    ]);
    expect(view.phases.at(-1)?.flow?.what).toBe('restore');
  });
});

describe('a drill in lines', () => {
  const lines = (story: typeof STORY): string[] => {
    const written: string[] = [];
    let now = at(0);
    const observer = plainDrill(
      (line) => written.push(line),
      () => now,
    );
    for (const [seconds, event] of story) {
      now = at(seconds);
      observer.observe(event);
    }
    return written;
  };
  it('tells each step once', () => {
    expect(lines(STORY)).toEqual([
      'drill drl_1 of shop',
      'located: shop.dump · 8.40 MB · custom · made 2 hours ago · file:///backups',
      'locate: done in 100 ms',
      'launched: PostgreSQL 17.6 · docker · postgres:17',
      'launch: done in 900 ms',
    ]);
  });
  it('says why it tries an older set', () =>
    expect(lines([...STORY, ...OLDER]).slice(-3)).toEqual([
      'restore: failed in 2.0 s',
      'the point is not behind shop.dump; trying the set before it',
      'located: older · file:///backups',
    ]));
  it('says every ten seconds how far long work is', () => {
    const progress = (seconds: number, bytes: number): (typeof STORY)[number] => [
      seconds,
      { type: 'progress', phase: 'restore', what: 'restore', bytes, totalBytes: 8_400_000 },
    ];
    const told = lines([
      ...STORY,
      progress(10.9, 4_000_000),
      progress(11, 4_200_000),
      progress(12, 5_000_000),
    ]);
    expect(told.filter((line) => line.startsWith('restore:'))).toHaveLength(1);
    expect(told.at(-1)).toMatch(/^restore: 4.20 MB of 8.40 MB · /);
  });
});

it('the checks end in a table, a row of hostile text included', () => {
  expect(
    checkTable(
      [
        {
          id: 'orders',
          check_sha256: sha,
          expect_sha256: sha,
          verdict: 'pass',
          summary: { n: 12 },
          duration_ms: 3,
        },
        {
          id: 'names',
          check_sha256: sha,
          expect_sha256: sha,
          verdict: 'error',
          reason: 'query_failed',
          code: '42P01',
          duration_ms: 12,
        },
        {
          id: 'late',
          check_sha256: sha,
          expect_sha256: sha,
          verdict: 'not_run',
          summary: { t: '\u001b[2J' },
        },
      ],
      style,
      120,
    ),
  ).toEqual([
    'check   verdict    reason              row               took',
    'orders  ✔ pass                         n = 12            3 ms',
    'names   ▲ error    query_failed 42P01                   12 ms',
    'late    – not run                      t = "\\u001b[2J"',
  ]);
});

it('a row that is a whole document does not make the table of checks wider than a screen', () => {
  const document = { id: 'types', check_sha256: sha, expect_sha256: sha, verdict: 'pass' } as const;
  const lines = checkTable([{ ...document, summary: { text: 'x'.repeat(500) } }], style, 400);
  expect(lines.at(-1)).toMatch(/^types {2}✔ pass {3}text = "x+…$/);
  expect(lines.every((line) => line.length <= 120)).toBe(true);
});

const SHOP_PLAN: Plan = {
  drill_id: 'drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C',
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'cli' },
  pool: 'default',
  restore_point: { kind: 'latest' },
  checks: [],
  config_sha256: 'sha256:0',
};

describe('a receipt of a sink', () => {
  const plan = SHOP_PLAN;
  const issuer = { host: 'sink-host', musterVersion: '0.1.0', nodeVersion: 'v24', os: 'Linux' };
  const shown = (reason: 'cancelled' | 'worker_lost', attempts: readonly Attempt[]): string => {
    const statement = unfinishedStatement({ plan, reason, attempts }, { ...issuer, now: at(0) });
    return receiptLines(statement, 'key', at(0), style, 120).join('\n');
  };

  it('of a drill that no worker took tells of no worker, and of no search for a backup', () => {
    const text = shown('cancelled', []);
    expect(text).toMatch(/^backup +not looked for: no worker took this drill$/m);
    expect(text).toMatch(/^sink +sink-host/m);
    expect(text).not.toMatch(/^(worker|phases|tries)/m);
  });
  it('of a drill whose workers died tells of its tries', () => {
    const text = shown('worker_lost', [{ worker: 'w1', started_at: at(0).toISOString(), outcome: 'lost' }]);
    expect(text).toMatch(/^backup +not known$/m);
    expect(text).toMatch(/^tries +w1 · .* · lost$/m);
  });
  it('of a drill that was taken over tells of each try', () => {
    const tries = [
      { worker: 'w1', started_at: at(0).toISOString(), outcome: 'lost' },
      { worker: 'w2', started_at: at(9).toISOString(), outcome: 'error' },
    ] as const;
    const { predicate, ...statement } = unfinishedStatement(
      { plan, reason: 'lost', attempts: tries },
      { ...issuer, now: at(10) },
    );
    const { issued_by: _, ...byWorker } = predicate;
    const text = receiptLines({ ...statement, predicate: byWorker }, 'key', at(10), style, 120).join('\n');
    expect(text).toMatch(/^tries +w1 · .* · lost\n +w2 · .* · error$/m);
  });
  it('names each warning that matters, and counts only the others as harmless', () => {
    const cancelled = { plan, reason: 'cancelled', attempts: [] } as const;
    const statement = unfinishedStatement(cancelled, { ...issuer, now: at(0) });
    const warnings = [
      { code: 'no_snapshot', count: 1 },
      { code: 'option_dropped', statement: 'create capped', count: 2 },
      { code: '42704', count: 3 },
    ];
    const predicate = { ...statement.predicate, restore: { duration_ms: 1, bytes: 1, warnings } };
    const text = receiptLines({ ...statement, predicate }, 'key', at(0), style, 120).join('\n');
    expect(text).toMatch(/^no_snapshot: .* different moments/m);
    expect(text).toMatch(/^option_dropped: .* left out\.$/m);
    expect(text).toMatch(/^restore .*· 3 harmless warnings$/m);
  });
  it('tells who asked, and where it is traced', () => {
    const asked = { ...plan, trigger: { kind: 'api', requested_by: 'ci\u001b' } } as const;
    const traced = { plan: asked, reason: 'lost', attempts: [], traceId: 'ab'.repeat(16) } as const;
    const statement = unfinishedStatement(traced, { ...issuer, now: at(0) });
    const text = receiptLines(statement, 'key', at(0), style, 120).join('\n');
    expect(text).toMatch(/^asked +latest · by api \(ci\\u\{1b\}\)$/m);
    expect(text).toMatch(/^trace +(ab){16}$/m);
  });
});

it.each([
  ['custom', 'by its header'],
  ['pgbackrest-full', 'by its repository'],
])('when a backup of the format %s was made is told %s', (format, clue) => {
  const { predicate, ...statement } = unfinishedStatement(
    { plan: SHOP_PLAN, reason: 'cancelled', attempts: [] },
    { host: 'h', musterVersion: '0.1.0', nodeVersion: 'v24', os: 'Linux', now: at(0) },
  );
  const found = { id: 'b', location: '/b', created_at: at(-60).toISOString(), format } as const;
  const backup = { ...found, created_at_from: 'header' } as const;
  const lines = receiptLines({ ...statement, predicate: { ...predicate, backup } }, 'key', at(0), style, 120);
  expect(lines.join('\n')).toContain(`(${clue})`);
});

describe('how far a backup was recovered', () => {
  const [last, next] = ['2026-11-21T16:43:35.345678Z', '2026-11-21T16:43:39.796012Z'];
  it.each<[RecoveryRecord, string]>([
    [
      {
        target: { kind: 'time', value: '2026-11-21T16:43:36.000Z' },
        reached: true,
        last_commit_before: last,
        first_commit_after: next,
        proof: 'both_sides',
      },
      `to 2026-11-21T16:43:36.000Z · last commit ${last} · next commit ${next} · proven on both sides`,
    ],
    [
      { target: { kind: 'latest' }, reached: true, last_commit_before: last, proof: 'one_side' },
      `all WAL there is · last commit ${last} · proven on one side`,
    ],
    [
      { target: { kind: 'immediate' }, reached: true, proof: 'unasserted' },
      'to the end of the backup · not proven: no commit was seen on either side',
    ],
    [
      {
        target: { kind: 'xid', value: '741' },
        reached: true,
        stopped: { side: 'after', xid: '741', end: 'commit', at: last },
        proof: 'both_sides',
      },
      `to xid 741 · stopped after its commit at ${last} · proven on both sides`,
    ],
    [
      {
        target: { kind: 'name', value: 'before\u001b' },
        reached: true,
        stopped: { side: 'after', name: 'before\u001b', at: last },
        proof: 'both_sides',
      },
      `to name before\\u{1b} · stopped after it at ${last} · proven on both sides`,
    ],
    [
      {
        target: { kind: 'lsn', value: '0/5000000' },
        reached: true,
        stopped: { side: 'before', lsn: '0/5000028' },
        proof: 'both_sides',
      },
      'to lsn 0/5000000 · stopped before 0/5000028 · proven on both sides',
    ],
  ])('%#: is told with what is proven', (recovery, text) => {
    expect(recoveryText(recovery)).toBe(text);
    const statement = unfinishedStatement(
      { plan: SHOP_PLAN, reason: 'cancelled', attempts: [] },
      { host: 'h', musterVersion: '0.1.0', nodeVersion: 'v24', os: 'Linux', now: at(0) },
    );
    const recovered = { ...statement, predicate: { ...statement.predicate, recovery } };
    expect(receiptLines(recovered, 'key', at(0), style, 120)).toContain(`recovery  ${text}`);
    const verified = { exitCode: 0, steps: [], statement: recovered } as const;
    const shown = { style, quiet: false };
    expect(verificationLines('r.json', verified, shown)).toContain(`    recovery       ${text}`);
    expect(verificationLines('r.json', { ...verified, exitCode: 3 }, shown).join()).not.toContain(text);
  });
});

it('a verdict says why and what to do', () => {
  expect(verdictLines({ result: 'pass' }, undefined, style)).toEqual(['✔ PASS']);
  const environment = { substitute: true, engine_version: 'FerretDB 2.7.0' } as const;
  expect(verdictLines({ result: 'pass', environment }, undefined, style)).toEqual([
    '✔ PASS (by a stand-in: FerretDB 2.7.0)',
  ]);
  expect(verdictLines({ result: 'fail', reason: 'empty' }, 'shop.dump is empty.', style)).toEqual([
    '✖ FAIL  empty',
    '  shop.dump is empty.',
  ]);
  expect(verdictLines({ result: 'error', reason: 'cancelled' }, undefined, style)[1]).toBe(
    '  The drill was cancelled.',
  );
});

it('a receipt of an id that no backup has says so, and how many backups there were', () => {
  const said = (listed: number) =>
    verdictLines(
      { result: 'fail', reason: 'no_backup', restore_point: { kind: 'id', asked: 'shop.dmp', listed } },
      undefined,
      style,
    )[1];
  const none = '  No backup of the id "shop.dmp" is where the source keeps them';
  expect(said(7)).toBe(`${none}: 7 backups were listed there.`);
  expect(said(1)).toBe(`${none}: 1 backup was listed there.`);
});

describe('a check asked by its author', () => {
  const asked = (answer: Answer, judgement: Judgement) =>
    answerLines({ id: 'a', expect: 'n > 5', answer, judgement, durationMs: 12 }, style);
  it('shows each value as exact as it came, and none of it commands the terminal', () => {
    const columns = [
      { name: 'n', value: { kind: 'number', text: '9007199254740993' } },
      { name: 'größe', value: { kind: 'string', text: 'a\u001b[2J"' } },
      { name: 'at', value: { kind: 'other', type: 'date', text: '2026-11-20' } },
      { name: 'x', value: { kind: 'null' } },
    ] as const;
    expect(asked({ kind: 'row', row: { columns } }, { verdict: 'pass', message: '' })).toEqual([
      '✔ pass  a  12 ms',
      '  n     = 9007199254740993',
      '  größe = "a\\u001b[2J\\""',
      '  at    = 2026-11-20 (date)',
      '  x     = null',
    ]);
  });
  it('shows what the server said', () => {
    expect(
      asked(
        { kind: 'query_failed', code: '42P01', message: 'no such relation' },
        { verdict: 'error', reason: 'query_failed', message: 'see check test' },
      ),
    ).toEqual(['▲ error  a  12 ms', '  query_failed 42P01', '  no such relation']);
  });
  it('says what was expected', () => {
    const row = { columns: [{ name: 'n', value: { kind: 'number', text: '3' } }] } as const;
    const judgement = { verdict: 'fail', reason: 'expectation_not_met', message: 'It is not.' } as const;
    expect(asked({ kind: 'row', row }, judgement)).toEqual([
      '✖ fail  a  12 ms',
      '  expectation_not_met: expected n > 5',
      '  n = 3',
    ]);
  });
  it('says why a row does not do', () => {
    expect(
      asked({ kind: 'no_rows' }, { verdict: 'error', reason: 'no_rows', message: 'No row came.' })[1],
    ).toBe('  no_rows: No row came.');
  });
});

describe('faults of a configuration', () => {
  const fault = (line: number, column: number, message: string) =>
    ({ line, column, message, path: '', code: 'invalid' }) as const;
  const text = 'sources:\n  - slgu: a\n    connection: { uri: postgres://u:hunter2@h/d }\n';
  const error = new ConfigFaults('/srv/muster.yaml', text, [
    fault(2, 5, 'unknown key slgu; did you mean slug?'),
    fault(3, 25, 'a password may not stand here'),
    fault(10, 1, 'no such line'),
  ]);
  it('are aligned, with the line and a caret', () => {
    expect(faultLines(error, '/srv', style, { excerpts: true, width: 80 })).toEqual([
      'muster.yaml:2:5   unknown key slgu; did you mean slug?',
      '   2 │   - slgu: a',
      '     │     ^',
      'muster.yaml:3:25  a password may not stand here',
      'muster.yaml:10:1  no such line',
    ]);
  });
  it('are one line each where no person watches', () => {
    expect(faultLines(error, '/', style, { excerpts: false, width: 80 })).toHaveLength(3);
  });
  it('never show a line that may hold a password', () => {
    expect(faultLines(error, '/srv', style, { excerpts: true, width: 80 }).join('\n')).not.toContain(
      'hunter2',
    );
  });
});
