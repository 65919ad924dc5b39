import type { ApiToken, Config } from '@muster/core';
import type { EvidenceStore, Keyring } from '@muster/evidence';
import type { DrillIndex } from '@muster/index';
import type {
  BoardQueues,
  BoardSessions,
  Catalogues,
  DrillEvents,
  DrillQueue,
  DrillStates,
  IdempotencyKeys,
  Looks,
  QuarantinedDrills,
  ReceiptQueue,
  Reservations,
  Schedules,
  ServiceRegistry,
  TakeHistory,
  TakeQueue,
  Tallies,
  WorkerRegistry,
} from '@muster/queue';
import type { Logger } from '@muster/telemetry';

/** What the API stands on. */
export interface ApiPorts {
  /** What the producer put in force; undefined where there is none. */
  readonly inForce: () => Promise<Config | undefined>;
  readonly drills: DrillQueue;
  readonly states: DrillStates;
  readonly events: DrillEvents;
  readonly receipts: ReceiptQueue;
  readonly quarantined: Pick<QuarantinedDrills, 'find' | 'list'>;
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly services: Pick<ServiceRegistry, 'count'>;
  readonly reservations: Pick<Reservations, 'shortage'>;
  readonly looks: Pick<Looks, 'ask' | 'answer'>;
  readonly catalogues: Pick<Catalogues, 'ask' | 'answer'>;
  readonly idempotency: IdempotencyKeys;
  readonly takes: TakeQueue;
  readonly takeHistory: TakeHistory;
  readonly tallies: Pick<Tallies, 'add'>;
  readonly schedules: Pick<Schedules, 'accounted'>;
  /** The queues for people to look at, and who looks at them with a browser. */
  readonly board: { readonly queues: Pick<BoardQueues, 'list'>; readonly sessions: BoardSessions };
  readonly index: Pick<DrillIndex, 'get' | 'list' | 'lastPasses'>;
  readonly store: EvidenceStore;
  readonly keyring: () => Promise<Keyring>;
  /** In the text format of Prometheus, 0.0.4. */
  readonly metricsText: () => Promise<string>;
  readonly logger: Logger;
  readonly now: () => Date;
}

export interface ApiOptions {
  /** Asked at each request: they may change. */
  readonly tokens: () => readonly ApiToken[];
  /** Of Muster, for the OpenAPI document. */
  readonly version: string;
}
