import type { CheckRecord, MusterError } from '@muster/core';
import type { BackupFacts, Examined, RestoreReport } from '@muster/engines';
import type { Base, Scratch } from '@muster/scratch';
import type { Found } from './located.js';

/** What a drill has seen so far, filled as it goes: the receipt says this and nothing else (law 2). */
export interface Seen {
  found?: Found;
  facts?: BackupFacts;
  examined?: Examined;
  base?: Base;
  scratch?: Pick<Scratch, 'isolation' | 'limits'>;
  engineVersion?: string;
  restored?: RestoreReport;
  readonly checks: CheckRecord[];
  fault?: MusterError;
}
