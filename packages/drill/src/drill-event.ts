import type {
  CheckRecord,
  ErrorCode,
  PhaseName,
  PhaseRecord,
  Reason,
  SourceKind,
  Verdict,
} from '@muster/core';

/** What a drill tells while it runs, for people and traces; it holds no text of a check and no data. */
export type DrillEvent =
  | {
      readonly type: 'planned';
      readonly drillId: string;
      readonly source: string;
      readonly checks: readonly string[];
    }
  | { readonly type: 'phase-started'; readonly phase: PhaseName }
  | {
      readonly type: 'progress';
      readonly phase: PhaseName;
      readonly what: 'fetch' | 'pull' | 'restore' | 'examine';
      readonly bytes: number;
      readonly totalBytes?: number;
    }
  | {
      readonly type: 'located';
      readonly backup: string;
      readonly location: string;
      readonly sizeBytes?: number;
      readonly createdAt?: Date;
      readonly format?: string;
      /** The set that was tried before it: the point that was asked for is not behind that one. */
      readonly notBehind?: string;
    }
  | {
      readonly type: 'launched';
      readonly isolation: string;
      readonly image?: string;
      readonly engine: SourceKind;
      /** Of a stand-in: its own name and version. */
      readonly engineVersion: string;
      readonly substitute?: true;
    }
  | { readonly type: 'check-started'; readonly id: string }
  | { readonly type: 'check-ended'; readonly check: CheckRecord }
  | {
      readonly type: 'phase-ended';
      readonly phase: PhaseRecord;
      /** Why it failed. */
      readonly code?: ErrorCode;
    }
  | {
      readonly type: 'judged';
      readonly result: Verdict;
      readonly reason?: Reason /** What happened and what to do now. */;
      readonly message?: string;
    };
