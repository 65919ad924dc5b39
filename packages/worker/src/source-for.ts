import { type Config, type Plan, plannedChecks, type Source } from '@muster/core';

/** The source as the plan asked for it: with those of its checks that the plan names. */
export function sourceFor(plan: Plan, config: Config): Source | undefined {
  const source = config.sources.find(({ slug }) => slug === plan.source.slug);
  if (source === undefined) return undefined;
  const checks = plannedChecks(source, plan.checks);
  return checks && { ...source, checks };
}
