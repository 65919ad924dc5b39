/** The server that questions are put to. */
export interface AskTarget {
  readonly socketDir: string;
  /** In its place, of a server that is no scratch's: a secret. */
  readonly uri?: string;
  readonly major: number;
  /** Aborts when the server or its scratch is gone. */
  readonly lost: AbortSignal;
}
