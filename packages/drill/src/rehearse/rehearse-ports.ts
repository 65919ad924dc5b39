import type { TakeBackup } from '@muster/backups';
import type {
  Config,
  RehearsalPhase,
  RehearsalPredicate,
  RehearsalStatement,
  Rehearse,
  Source,
} from '@muster/core';
import type { DrillPorts } from '../drill-ports.js';

/** What a rehearsal needs from outside: what a drill does, and who takes backups. */
export interface RehearsalPorts extends Omit<DrillPorts, 'observe'> {
  /**
   * Takes a backup of `source`, whose `connection` this URI is, of a server that Muster started: the source's own is
   * resolved by nobody.
   */
  readonly takeFrom: (uri: string) => TakeBackup;
  readonly observe: (event: RehearsalEvent) => void;
}

export interface RehearsalEvent {
  readonly phase: RehearsalPhase;
  /** Absent = it begins. */
  readonly ended?: RehearsalPredicate['phases'][number];
}

export interface RehearsalRequest {
  readonly rehearsalId: string;
  readonly config: Config;
  readonly source: Source & { readonly rehearse: Rehearse };
}

export interface RehearsalOutcome {
  readonly statement: RehearsalStatement;
  /** Its exact bytes, signed. */
  readonly receipt: Uint8Array;
  /** What happened and what to do now; absent on a pass. */
  readonly message?: string;
}
