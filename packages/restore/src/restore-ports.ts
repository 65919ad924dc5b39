import type { Backup } from '@muster/backups';
import type {
  Check,
  CheckRecord,
  MusterError,
  RestorePhase,
  RestoreStatement,
  Source,
  SourceKind,
} from '@muster/core';
import type { Engine, Finished, TargetDriver, TargetSurvey, ToolRunner } from '@muster/engines';

/** What a restore needs from outside. */
export interface RestorePorts {
  readonly engine: Engine;
  readonly target: TargetDriver;
  readonly tools: ToolRunner;
  readonly observe: (event: RestoreEvent) => void;
  /** Asks a person; resolves where they agree. @throws `name_not_typed`, `usage`. */
  readonly confirm: (plan: RestorePlan, signal: AbortSignal) => Promise<void>;
  /** What tools printed: kept on this machine, in no record. */
  readonly output: (text: string) => void;
  /** An empty directory of this machine, for a backup of several files that are elsewhere. @throws `state_unwritable` */
  readonly spool: (restoreId: string) => Promise<{ readonly path: string; remove(): Promise<void> }>;
  readonly now: () => Date;
  readonly musterVersion: string;
}

export interface RestoreRequest {
  readonly restoreId: string;
  readonly kind: SourceKind;
  /** Finds the backup. */
  readonly locate: (signal: AbortSignal) => Promise<Backup>;
  /** Of the target: a secret. */
  readonly uri: string;
  /** What is there may be replaced. */
  readonly clean: boolean;
  readonly jobs: number;
  readonly waitMs: number;
  readonly disconnect: boolean;
  /** Whose backup it is, where a configuration tells. */
  readonly source?: Pick<Source, 'slug' | 'summaries'>;
  /** Where that source lives, if known: a secret. */
  readonly sourceUri?: string;
  readonly checks: readonly Check[];
}

/** What is going to be done, for a person to agree to. */
export interface RestorePlan {
  readonly backup: Pick<Backup, 'id' | 'location' | 'createdAt'> & { readonly sizeBytes: number };
  readonly format: string;
  readonly target: TargetSurvey;
  /** What a person should know before they agree. */
  readonly notes: readonly string[];
  /** The target is the source itself. */
  readonly isSource: boolean;
}

export type RestoreEvent =
  | { readonly type: 'phase'; readonly phase: RestorePhase }
  | { readonly type: 'progress'; readonly bytes: number; readonly totalBytes?: number }
  /** `done`: 0 to 1, of a tool that tells no bytes. */
  | { readonly type: 'share'; readonly done: number }
  | { readonly type: 'tool'; readonly where: string }
  | { readonly type: 'waiting'; readonly who: string }
  | { readonly type: 'check'; readonly check: CheckRecord };

export interface RestoreOutcome {
  readonly statement: RestoreStatement;
  /** What state the target is in. */
  readonly state: string;
  readonly finished?: Finished;
  /** Why it did not pass. */
  readonly error?: MusterError;
}
