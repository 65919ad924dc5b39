/** What a scratch may take of a host at the most. Bytes. */
export interface Needs {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly pids: number;
}

/** What a host has. Absent = not known, and no bound. Bytes. */
export interface HostCapacity {
  /** Names what is shared: workers of one Docker daemon or kernel have the same. */
  readonly hostId: string;
  /** For people. */
  readonly hostName: string;
  /** What all scratches together may be promised. */
  readonly memoryBytes: number;
  /** Free at this moment. */
  readonly memoryFreeBytes?: number;
  readonly diskFreeBytes?: number;
  readonly pids?: number;
}

/**
 * What the drills that run on a host were promised, by all workers of that host: `muster:room:<hostId>`. What a dead
 * worker was promised is free again within 30 s. @throws `redis_unavailable`.
 */
export interface Reservations {
  reserve(
    drillId: string,
    holder: string,
    needs: Needs,
    capacity: HostCapacity,
  ): Promise<Reservation | { readonly short: 'memory' | 'disk' | 'pids' }>;
}

export interface Reservation {
  readonly short?: undefined;
  /** Renewed by itself until then. Idempotent, never throws. */
  release(): Promise<void>;
}
