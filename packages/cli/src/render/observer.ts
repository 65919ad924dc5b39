import type { DrillEvent } from '@muster/drill';

/** Shows one drill while it runs. */
export interface DrillObserver {
  readonly observe: (event: DrillEvent) => void;
  /** Somebody asked it to stop: says that this was heard, and how not to wait. */
  interrupted(): void;
  /** Leaves the terminal as it should be; on every path, more than once if need be. */
  close(): void;
}

export const CANCELLING = 'Cancelling: the scratch goes, a receipt says so. Once more leaves at once.';
