/**
 * A check as its owner declared it, parsed. `summary_find` keeps its mapping as an ordered Map, because the order
 * of keys below the top level has meaning and a JavaScript object would reorder integer-like keys.
 */
export interface Check {
  readonly id: string;
  readonly question:
    | { readonly kind: 'postgres'; readonly summarySql: string }
    | { readonly kind: 'mongodb'; readonly summaryFind: ReadonlyMap<string, unknown> };
  /** The sentence as written: what `expect_sha256` is over. */
  readonly expect: string;
  readonly expectation: Expectation;
  /** Milliseconds; 60,000 where nothing was said. */
  readonly timeoutMs: number;
  readonly database?: string;
  readonly readOnly: boolean;
  /** What the schedule of a drill says of it; absent = that it must hold, as every check of a source. */
  readonly role?: CheckRole;
}

/** At a point in time a check must hold (`present`), or must not hold yet (`absent`). */
export type CheckRole = (typeof CHECK_ROLES)[number];
export const CHECK_ROLES = ['present', 'absent'] as const;

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Numbers keep their decimal text, so that no digit is lost. */
export type Literal =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' };

/** `<column> <op> <literal>`, parsed. */
export interface Expectation {
  readonly column: string;
  readonly operator: Operator;
  readonly literal: Literal;
}
