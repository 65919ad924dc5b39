/** What one drill at a time may have, across hosts. A holder that dies loses it within {@link LEASE_MS}. */
export interface Leases {
  /** Undefined where another holds it. The same holder gets it again. @throws `redis_unavailable`. */
  acquire(name: string, holder: string): Promise<Lease | undefined>;
}

export interface Lease {
  /** Renewed by itself until then. Idempotent, never throws. */
  release(): Promise<void>;
}

export const LEASE_MS = 30_000;
