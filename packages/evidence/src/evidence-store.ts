/**
 * The object storage that keeps plans and receipts. Everything is written once: an object that exists is never
 * overwritten, so the first valid receipt of a drill stands (law 1).
 */
export interface EvidenceStore {
  /** For messages; without credentials. */
  readonly location: string;
  /**
   * Stores `bytes` under `key` (`receipts/<slug>/<yyyy>/…`), durably and atomically, unless it exists.
   * @returns `stored`, or `exists` and nothing was changed. @throws `evidence_unwritable`.
   */
  putOnce(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<'stored' | 'exists'>;
  /** @throws `evidence_not_found`, `evidence_unwritable`. */
  get(key: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Keys under a prefix in ascending order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<string>;
  /** Proves that {@link putOnce} can work, without leaving anything. @throws `evidence_unwritable`. */
  probe(signal: AbortSignal): Promise<void>;
}
