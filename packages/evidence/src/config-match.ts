import type { CheckRecord, Sha256 } from '@muster/core';

/** One check of a configuration, by its hashes (checks.md). */
export interface ConfiguredCheck {
  readonly id: string;
  readonly checkSha256: Sha256;
  readonly expectSha256: Sha256;
}

/**
 * Holds the checks of a receipt against a configuration. A check is found where query and `expect` are the same,
 * whatever its id is now. @returns a line for each that was renamed (`found`), edited or is gone (`missing`).
 */
export function matchChecks(
  checks: readonly Pick<CheckRecord, 'id' | 'check_sha256' | 'expect_sha256'>[],
  config: readonly ConfiguredCheck[],
): { readonly found: readonly string[]; readonly missing: readonly string[] } {
  const found: string[] = [];
  const missing: string[] = [];
  for (const check of checks) {
    const same = config.filter(
      ({ checkSha256, expectSha256 }) =>
        checkSha256 === check.check_sha256 && expectSha256 === check.expect_sha256,
    );
    if (same.some(({ id }) => id === check.id)) continue;
    const [renamed] = same;
    if (renamed !== undefined) found.push(`check ${check.id} is now called ${renamed.id}`);
    else missing.push(whatBecameOf(check, config));
  }
  return { found, missing };
}

function whatBecameOf(
  check: Pick<CheckRecord, 'id' | 'check_sha256' | 'expect_sha256'>,
  config: readonly ConfiguredCheck[],
): string {
  const edited = config.find(({ id }) => id === check.id);
  if (edited === undefined) return `check ${check.id} is gone from the configuration`;
  const parts = [
    ...(edited.checkSha256 === check.check_sha256 ? [] : ['query']),
    ...(edited.expectSha256 === check.expect_sha256 ? [] : ['expect']),
  ];
  return `check ${check.id} has another ${parts.join(' and ')} in the configuration`;
}
