import type { ConnectAs } from './server/client.js';

/** The server that questions are put to. */
export interface AskTarget {
  /** The directory of the server's socket. */
  readonly host: string;
  readonly major: number;
  /** A server that is no scratch's. */
  readonly as?: ConnectAs;
  /** A database beside the one questioned: where the connection goes that stops a question. */
  readonly maintenanceDatabase: string;
  /** Aborts when the server or its scratch is gone. */
  readonly lost: AbortSignal;
}
