import type { EvidenceStore, Keyring, Signer } from '@muster/evidence';
import type { DrillIndex } from '@muster/index';
import type {
  DrillEvents,
  DrillQueue,
  DrillStates,
  NewestSeen,
  PassedBackups,
  QuarantinedDrills,
  ReceiptConsumer,
  ReceiptConsumerOptions,
  ReceiptQueue,
  Tallies,
} from '@muster/queue';
import type { Logger } from '@muster/telemetry';

export interface SinkPorts {
  readonly consumeReceipts: (options: ReceiptConsumerOptions) => ReceiptConsumer;
  readonly drills: Pick<DrillQueue, 'abandoned' | 'forget'>;
  /** Whether a drill whose workers all died has a receipt on its way. */
  readonly receipts: Pick<ReceiptQueue, 'holds'>;
  readonly states: Pick<DrillStates, 'attempts' | 'cancelRequested' | 'settle'>;
  readonly events: Pick<DrillEvents, 'publish' | 'underWay'>;
  readonly tallies: Pick<Tallies, 'add'>;
  /** For the drills after this one. */
  readonly newest: Pick<NewestSeen, 'note'>;
  /** For whoever deletes backups. */
  readonly passed: Pick<PassedBackups, 'note'>;
  /** For whoever waits for a receipt that went there. */
  readonly quarantined: Pick<QuarantinedDrills, 'note' | 'forget'>;
  readonly store: EvidenceStore;
  readonly index: Pick<DrillIndex, 'put'>;
  /** Read anew for each batch at the most every few seconds: a key that is added counts without a restart. */
  readonly keyring: () => Promise<Keyring>;
  /** For drills that no worker can write a receipt for. */
  readonly signer: Signer;
  readonly issuer: { readonly host: string; readonly musterVersion: string };
  readonly logger: Logger;
  readonly now: () => Date;
}

export interface RunningSink {
  /** It takes receipts; that it can keep them, its log says. */
  readonly ready: Promise<void>;
  /** Takes nothing new; resolves when what it had is stored and indexed, or given back after 10 s. */
  close(): Promise<void>;
}
