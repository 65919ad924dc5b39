/** The server that questions are put to. */
export interface AskTarget {
  readonly socketDir: string;
  readonly major: number;
  /** Aborts when the server or its scratch is gone. */
  readonly lost: AbortSignal;
}
