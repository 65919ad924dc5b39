/**
 * Whether a group of tests can run here: `describe.runIf(requirement('cosign', found, 'not on the PATH'))`.
 *
 * Where it cannot, the skip is printed by name with its reason. `MUSTER_TEST_REQUIRE` turns skips into failures:
 * `all`, or names (`cosign,docker`), or all but some (`all,-mongorestore`).
 *
 * @param available asked once, here. @param reason why it is not, and how to get it.
 */
export function requirement(name: string, available: boolean | (() => boolean), reason: string): boolean {
  if (typeof available === 'function' ? available() : available) return true;
  if (isRequired(name, process.env['MUSTER_TEST_REQUIRE'] ?? '')) {
    throw new Error(`required by MUSTER_TEST_REQUIRE and not to be had: ${name}: ${reason}`);
  }
  // Past the test runner's capture, so that no reporter swallows it.
  process.stderr.write(`skipped: ${name}: ${reason}\n`);
  return false;
}

export function isRequired(name: string, setting: string): boolean {
  const words = setting
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.includes(`-${name}`)) return false;
  return words.includes('all') || words.includes(name);
}
