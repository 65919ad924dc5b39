/**
 * One value of a summary row, as exact as the engine gave it. Numbers stay decimal text (`"9007199254740993"`,
 * `"1e-7"`): nothing is squeezed through a double. `other` is whatever cannot be compared with a literal
 * (dates, ObjectIds, documents, arrays …); `text` is how the engine prints it.
 */
export type SummaryValue =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'non_finite'; readonly text: 'NaN' | 'Infinity' | '-Infinity' }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'other'; readonly type: string; readonly text: string };

/** The one row of a check, in the server's column order; a name may stand twice (`ambiguous_column`). */
export interface SummaryRow {
  readonly columns: readonly { readonly name: string; readonly value: SummaryValue }[];
}

/** What asking one check gave, before `expect` judges it. */
export type Answer =
  | { readonly kind: 'row'; readonly row: SummaryRow }
  | { readonly kind: 'no_rows' }
  | { readonly kind: 'multiple_rows' }
  | { readonly kind: 'row_too_large' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'server_lost' }
  /** `code`: SQLSTATE or MongoDB code. `message`: the server's own words, for `check test` and the diagnosis file only. */
  | { readonly kind: 'query_failed'; readonly code?: string; readonly message: string };
