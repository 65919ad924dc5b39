import type { Answer, Check, MusterError } from '@muster/core';
import type { Artefact } from '../artefact.js';
import type { AskOptions, BackupFacts, RestoreProgress, RestoreReport } from '../engine.js';
import type { ToolRunner } from './tool-runner.js';

/** A real server that a person named, to restore into: not a scratch, and nobody's to throw away. */
export interface TargetDriver {
  /**
   * Looks at the target. Writes nothing. @throws `credentials_refused`, `target_unreachable`, `tls_refused`,
   * `secret_unavailable`, `target_rights_missing` where the user may not connect to it, `usage` for a database that nobody restores into.
   */
  survey(uri: string, signal: AbortSignal): Promise<TargetSurvey>;
  /**
   * Everything that can stand against the restore and can be known before its first byte. Writes nothing.
   * @returns what a person should know and that keeps nothing back.
   * @throws `target_read_only`, `target_older`, `target_rights_missing`, `extension_missing`, `role_missing`, `no_space`,
   * `target_unreachable`.
   */
  admit(
    uri: string,
    survey: TargetSurvey,
    backup: BackupToAdmit,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  /** Makes room for the backup. From here on something is written. @throws `target_in_use` where another restore is under way. */
  begin(uri: string, survey: TargetSurvey, begin: BeginRestore, signal: AbortSignal): Promise<TargetRestore>;
  /** Whether both URIs mean the same database, as far as their words tell. */
  isSame(uri: string, other: string): boolean;
}

export interface BackupToAdmit {
  readonly facts: BackupFacts;
  readonly sizeBytes: number;
}

export interface BeginRestore {
  /** Names the restore to people who look at the server. */
  readonly restoreId: string;
  readonly facts: BackupFacts;
  /** What a second run must have in common with the first to go on where it was. */
  readonly backup: string;
  readonly tools: ToolRunner;
}

/** What is there, before anything is done. */
export interface TargetSurvey {
  /** Of the database. */
  readonly name: string;
  /** Where it is, without credentials. */
  readonly place: string;
  readonly serverVersion: string;
  readonly major: number;
  readonly exists: boolean;
  /** It holds something that a restore would overwrite. */
  readonly isEmpty: boolean;
  /** Tables or collections. */
  readonly tables: number;
  /** As the server estimates. */
  readonly rows: number;
  readonly bytes: number;
  /** Why nothing can be written. */
  readonly readOnly?: string;
  /** What an earlier restore left behind. */
  readonly left?: { readonly where: string; readonly state: LeftState; readonly backup: string };
  /** What becomes of what is there, in a sentence for people. */
  readonly fate: string;
}

/** `whole`: all of the backup is there, and only its last step is missing. `broken`: what came back of a bad backup. */
export type LeftState = 'restoring' | 'whole' | 'broken';

/** One restore under way. Its owner calls {@link close} on every path. */
export interface TargetRestore {
  /** All of the backup is there already, by a run before this one. */
  readonly isWhole: boolean;
  /** Resolves only if nothing was lost. @throws as {@link Server.restore}; `no_space`, `target_lost`, `role_missing`. */
  restore(artefact: Artefact, options: TargetRestoreOptions, signal: AbortSignal): Promise<RestoreReport>;
  /**
   * Puts what was restored where the target is. @throws `target_in_use` where sessions of others stay in it for too long.
   * @returns what became of what was there.
   */
  finish(options: FinishOptions, signal: AbortSignal): Promise<Finished>;
  /** Asks a check on the finished target, as {@link Server.ask}. */
  ask(check: Check, options: AskOptions, signal: AbortSignal): Promise<Answer>;
  /**
   * After a failure: takes back what can be, within seconds. Never throws.
   * @returns what state the target is in, in sentences for people.
   */
  giveUp(error: MusterError): Promise<string>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface TargetRestoreOptions {
  readonly jobs: number;
  readonly onProgress: (progress: RestoreProgress) => void;
  readonly onOutput: (text: string) => void;
  /** With what it is restored, for people. */
  readonly onTool: (where: string) => void;
}

export interface FinishOptions {
  /** How long the sessions of others are waited for. */
  readonly waitMs: number;
  /** Ends the sessions of others. */
  readonly disconnect: boolean;
  readonly now: () => Date;
  /** Who is waited for: process ids and application names. */
  readonly onWaiting: (who: string) => void;
}

export interface Finished {
  /** Where what was there is kept; absent = there was nothing. */
  readonly kept?: string;
  /** How a person removes that. */
  readonly remove?: string;
}
