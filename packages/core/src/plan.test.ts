import { describe, expect, it } from 'vitest';
import { checkSha256, expectSha256 } from './check-hash.js';
import { parseConfig } from './config/parse-config.js';
import { DRILL_ID, drillTime, scheduledDrillId } from './ids.js';
import { createPlan, planSchema, restorePointOf } from './plan.js';

const parsed = parseConfig(
  `
sources:
  - { slug: shop, kind: postgres, backup: { type: dump, location: /b }, connection: { uri: env:SHOP }, checks: [b, a], pool: eu }
  - { slug: bare, kind: postgres, connection: { uri: env:BARE }, restore_only: true }
checks:
  - { id: a, summary_sql: SELECT 'planted' AS n, expect: n == "planted" }
  - { id: b, summary_sql: SELECT 1 AS n, expect: n == 1 }
`,
  { file: 'muster.yaml', baseDirectory: '/etc' },
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
const { config } = parsed;
const [shop, bare] = config.sources;
if (shop === undefined || bare === undefined) throw new Error('the sources of the test are gone');

const DUE = new Date('2027-03-28T01:30:00.000Z');
const asked = {
  drillId: scheduledDrillId('shop', 'nightly', DUE),
  trigger: { kind: 'schedule', schedule: 'nightly', scheduled_for: DUE.toISOString() },
  restorePoint: { kind: 'id', id: 'x.dump' },
} as const;

describe('a plan', () => {
  it('says what was asked for, with the digests of the checks in the order of the source', () => {
    const plan = createPlan(config, shop, asked);
    expect(planSchema.parse(plan)).toEqual(plan);
    expect(plan).toEqual({
      drill_id: asked.drillId,
      source: { slug: 'shop', kind: 'postgres' },
      trigger: asked.trigger,
      pool: 'eu',
      restore_point: { kind: 'id', asked: 'x.dump' },
      checks: shop.checks.map((check) => ({
        id: check.id,
        check_sha256: checkSha256(check),
        expect_sha256: expectSha256(check.expect),
      })),
      config_sha256: config.configSha256,
    });
    expect(plan.checks.map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('holds no text of a check, and no reference to a secret', () =>
    expect(JSON.stringify(createPlan(config, shop, asked))).not.toMatch(/planted|SELECT|SHOP/));

  it('of a source without checks says so', () =>
    expect(createPlan(config, bare, { ...asked, restorePoint: { kind: 'latest' } })).toMatchObject({
      restore_only: true,
      checks: [],
    }));

  it('of a dump knows no point in WAL', () =>
    expect(() => createPlan(config, shop, { ...asked, restorePoint: { kind: 'xid', xid: '5' } })).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('there is no xid in them') }),
    ));

  it('says if it leaves out checks of the source', () => {
    const some = { ...shop, checks: shop.checks.slice(1) };
    const plan = createPlan(config, some, asked);
    expect(planSchema.parse(plan)).toMatchObject({ partial: true, checks: [{ id: 'a' }] });
    expect(createPlan(config, { ...shop, checks: [...shop.checks] }, asked)).not.toHaveProperty('partial');
  });

  it('of half a surrogate pair is none: nobody could sign it', () =>
    expect(planSchema.safeParse({ ...createPlan(config, shop, asked), pool: '\ud800' }).success).toBe(false));

  it('may be for another pool than that of the source', () =>
    expect(createPlan(config, shop, { ...asked, pool: 'us' }).pool).toBe('us'));

  it.each([
    { kind: 'latest' },
    { kind: 'oldest' },
    { kind: 'id', id: 'x.dump' },
    { kind: 'random' },
    { kind: 'random', days: 14 },
    { kind: 'time', time: '2026-11-20T03:00:00.000Z' },
  ] as const)('gives the restore point %j back', (restorePoint) =>
    expect(restorePointOf(createPlan(config, shop, { ...asked, restorePoint }))).toEqual(restorePoint),
  );

  it.each([
    ['-2h', '2027-03-27T23:30:00.000Z'],
    ['2026-11-20T04:00:00+01:00', '2026-11-20T03:00:00.000Z'],
  ])('says which time is meant by %s: before the drill is due', (time, meant) =>
    expect(createPlan(config, shop, { ...asked, restorePoint: { kind: 'time', time } })).toMatchObject({
      restore_point: { kind: 'time', asked: meant },
    }),
  );

  it.each(['yesterday', '2026-11-20', '2026-02-31T00:00:00Z', '2026-11-20T03:00:00', '-2', '-300000000d'])(
    'is not made for the time %j',
    (time) =>
      expect(() => createPlan(config, shop, { ...asked, restorePoint: { kind: 'time', time } })).toThrow(
        /expected a time such as/,
      ),
  );

  it('of a source that is dumped live is of the latest alone', () => {
    expect(createPlan(config, bare, { ...asked, restorePoint: { kind: 'latest' } })).toBeDefined();
    expect(() => createPlan(config, bare, asked)).toThrow(/dumped live and keeps no backups/);
  });

  it('says what was promised, in seconds', () => {
    const objectives = { rpoMs: 1500, enforce: 'rpo' } as const;
    const plan = createPlan(config, { ...shop, objectives }, asked);
    expect(planSchema.parse(plan).objectives).toEqual({ rpo_s: 1.5, enforce: 'rpo' });
  });

  it('of a later Muster, with a restore point unknown to this one, is refused', () => {
    const plan = {
      ...createPlan(config, shop, asked),
      restore_point: { kind: 'random' as const, asked: 'a moon' },
    };
    expect(() => restorePointOf(plan)).toThrow(expect.objectContaining({ code: 'not_supported_yet' }));
  });
});

describe('the id of a scheduled drill', () => {
  it('is the id of a drill, and its time the due time', () => {
    expect(asked.drillId).toMatch(DRILL_ID);
    expect(drillTime(asked.drillId)).toEqual(DUE);
  });

  it('does not take slug and schedule for one text', () => {
    const ids = [
      ['a', 'b-c'],
      ['a-b', 'c'],
      ['a-', 'b-c'],
      ['ab', 'c'],
      ['a', 'bc'],
    ].map(([slug = '', schedule = '']) => scheduledDrillId(slug, schedule, DUE));
    expect(new Set(ids).size).toBe(5);
  });
});
