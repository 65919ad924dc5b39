/** What a bench measured. */
export interface Bench {
  readonly figures: Readonly<Record<string, number>>;
  /** Each with its goal in its name. */
  readonly ratios: Readonly<Record<string, number>>;
}
