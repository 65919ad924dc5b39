import type { Selected } from '@muster/backups';
import type { CheckRecord, CompanionRecord, FidelityRecord, MusterError, Predicate } from '@muster/core';
import type { BackupFacts, Examined, RestoreReport } from '@muster/engines';
import type { Base, Scratch } from '@muster/scratch';

/** The backup that was chosen: enough to name it in the receipt even if it turns out to be none. */
interface Found {
  readonly id: string;
  readonly location: string;
  readonly createdAt: Date;
  readonly createdAtFrom: NonNullable<NonNullable<Predicate['backup']>['created_at_from']>;
  readonly sizeBytes?: number;
}

/** What a drill has seen so far, filled as it goes: the receipt says this and nothing else (law 2). */
export interface Seen {
  found?: Found;
  /** How many there were. */
  listed?: number;
  /** The newest that there was, whichever was chosen. */
  newest?: Pick<Found, 'id' | 'createdAt' | 'createdAtFrom'>;
  /** Of a random choice: what it was drawn from. */
  listing?: NonNullable<Selected['listing']>;
  facts?: BackupFacts;
  examined?: Examined;
  /** What is restored before the backup, for its whole cluster. */
  globals?: { readonly id: string; readonly location: string; readonly examined?: Examined };
  base?: Base;
  scratch?: Pick<Scratch, 'isolation' | 'limits'>;
  /** Of a stand-in: its own name and version. */
  engineVersion?: string;
  substitute?: boolean;
  companions?: readonly CompanionRecord[];
  restored?: RestoreReport;
  fidelity?: FidelityRecord;
  readonly checks: CheckRecord[];
  fault?: MusterError;
}
