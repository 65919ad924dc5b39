/** By major version, the first release whose psql has `\restrict`; from 18 on all have it. */
const SINCE: ReadonlyMap<number, number> = new Map([
  [13, 22],
  [14, 19],
  [15, 14],
  [16, 10],
  [17, 6],
]);

/** True where that psql can be told to run no meta-command until it hears the same word again (CVE-2025-8714). */
export function knowsRestrict(psqlVersion: string): boolean {
  const [major = 0, minor = 0] = psqlVersion.split('.').map(Number);
  return major >= 18 || minor >= (SINCE.get(major) ?? Number.POSITIVE_INFINITY);
}
