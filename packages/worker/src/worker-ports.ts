import type { TakeBackup, Taken } from '@muster/backups';
import type { Attempt, Catalogue, Config, Look, Plan, Source } from '@muster/core';
import type { DrillEvent, DrillOutcome, DrillPorts } from '@muster/drill';
import type {
  Catalogues,
  ConfigStore,
  DrillConsumerOptions,
  DrillEvents,
  DrillStates,
  HostCapacity,
  Leases,
  Looks,
  ReceiptQueue,
  Reservations,
  TakeConsumerOptions,
  TakeHistory,
  Tallies,
  TryConsumer,
  WorkerRegistry,
} from '@muster/queue';
import type { Logger } from '@muster/telemetry';

export interface WorkerOptions {
  readonly pool: string;
  readonly concurrency: number;
  /** How long what runs may take to end after {@link RunningWorker.drain}, in ms. */
  readonly graceMs: number;
}

export type Signer = DrillPorts['signer'];

/** One try of a drill. */
export interface DrillTask {
  readonly plan: Plan;
  readonly config: Config;
  readonly source: Source;
  /** Held from before it begins: should its key go away meanwhile, this try still ends in a receipt. */
  readonly signer: Signer;
  readonly attempt: number;
  /** The tries before this one, in order. */
  readonly earlier: readonly Attempt[];
  /** Of its trace, where there is one: 32 hex digits, for the receipt. */
  readonly traceId?: string | undefined;
}

/** What a worker takes backups with. */
export interface TakingPorts {
  readonly consumeTakes: (options: TakeConsumerOptions) => TryConsumer;
  readonly takeHistory: TakeHistory;
  readonly tallies: Pick<Tallies, 'add'>;
  readonly leases: Leases;
  readonly takeBackup: (config: Config) => TakeBackup;
  /** The backup that this take had published before its worker died; undefined where it had none. */
  readonly findTaken: (
    source: Source,
    takeId: string,
    signal: AbortSignal,
  ) => Promise<Pick<Taken, 'backupId' | 'sizeBytes'> | undefined>;
  /**
   * What `take.retain` lets go. @returns how many backups went, and how many would have, had any that is there passed a
   * drill.
   */
  readonly prune: (
    config: Config,
    source: Source,
    signal: AbortSignal,
  ) => Promise<{ readonly removed: number; readonly unproven: number }>;
  /** What tools print, for the diagnosis file of this worker. */
  readonly takeOutput: (takeId: string, text: string) => void;
  readonly identity: { readonly worker: string };
  readonly logger: Logger;
  readonly now: () => Date;
}

export interface WorkerPorts extends TakingPorts {
  readonly consumeDrills: (options: DrillConsumerOptions) => TryConsumer;
  readonly configs: ConfigStore;
  readonly states: DrillStates;
  readonly events: DrillEvents;
  readonly receipts: Pick<ReceiptQueue, 'publish' | 'holds'>;
  readonly reservations: Pick<Reservations, 'reserve'>;
  readonly registry: WorkerRegistry;
  /** Of the key that this configuration names. @throws `key_unreadable`, `key_invalid`, `secret_unavailable`. */
  readonly openSigner: (config: Config) => Promise<Signer>;
  /**
   * Runs one try to its signed receipt (`runDrill`): it resolves whatever happens to the drill; when `signal` aborts,
   * with a receipt that says `cancelled`.
   */
  readonly perform: (
    task: DrillTask,
    observe: (event: DrillEvent) => void,
    signal: AbortSignal,
  ) => Promise<Pick<DrillOutcome, 'statement' | 'receipt' | 'listing'>>;
  /** Sees what a drill of this plan would take and whether it would be refused, and does nothing (`preflight`). @throws `cancelled`. */
  readonly look: (task: Pick<DrillTask, 'plan' | 'config' | 'source'>, signal: AbortSignal) => Promise<Look>;
  readonly looks: Pick<Looks, 'next' | 'tell'>;
  /** Lists the backups of a source; what keeps it from that is in its answer. @throws `cancelled`. */
  readonly catalogue: (source: Source, signal: AbortSignal) => Promise<Catalogue>;
  readonly catalogues: Pick<Catalogues, 'next' | 'tell'>;
  /** Removes what earlier tries of this drill left on the host, whoever made it; best effort. */
  readonly removeCells: (config: Config, drillId: string) => Promise<void>;
  /** What the host of this configuration's scratches has. */
  readonly capacity: (config: Config, signal: AbortSignal) => Promise<HostCapacity>;
  readonly identity: { readonly worker: string; readonly host: string; readonly version: string };
}

export interface RunningWorker {
  readonly ready: Promise<void>;
  /**
   * Takes nothing new, lets what runs end within its grace, gives back the rest without using up a try, and resolves when
   * nothing of this worker is left.
   */
  drain(): Promise<void>;
}
