/** Clauses of those rules that do not hold. */
export function broken(rules: readonly (readonly [holds: boolean, clause: string])[]): string[] {
  return rules.filter(([holds]) => !holds).map(([, clause]) => clause);
}
