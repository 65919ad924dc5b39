import { canonicalJson, type JsonValue, type Plan, promised, type Statement } from '@muster/core';

/**
 * In what a statement is not of the drill that was planned, one clause each; empty where it is. A worker can neither make
 * up a drill nor leave out a check.
 */
export function strayFrom({ predicate }: Statement, plan: Plan): string[] {
  const { kind, asked } = predicate.restore_point;
  const rules: readonly (readonly [what: string, said: JsonValue, planned: JsonValue])[] = [
    ['drill', predicate.drill_id, plan.drill_id],
    ['source', predicate.source, plan.source],
    ['trigger', plain(predicate.trigger), plain(plan.trigger)],
    ['configuration', predicate.config_sha256, plan.config_sha256],
    ['pool', predicate.environment.pool, plan.pool],
    ['restore point', plain({ kind, asked }), plain(plan.restore_point)],
    ['restore_only', predicate.restore_only ?? false, plan.restore_only ?? false],
    ['promise', promisedBy(predicate.objectives), promisedBy(plan.objectives)],
    ['checks', predicate.checks.map(named), plan.checks.map(named)],
  ];
  return rules.flatMap(([what, said, planned]) =>
    canonicalJson(said) === canonicalJson(planned) ? [] : [`its ${what} is not that of the plan`],
  );
}

const named = ({ id, check_sha256, expect_sha256, role }: Plan['checks'][number]): JsonValue =>
  plain({ id, check_sha256, expect_sha256, role });

const promisedBy = (objectives: Plan['objectives']): JsonValue =>
  objectives === undefined ? null : { ...promised(objectives) };

/** Without what is absent. */
function plain(record: Readonly<Record<string, string | undefined>>): JsonValue {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
