import type { Config, ConfigFault, Sha256 } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import type {
  ConfigDocument,
  ConfigStore,
  DrillEvents,
  DrillQueue,
  DrillStates,
  QuarantinedDrills,
  ReceiptQueue,
  Schedules,
  TakeHistory,
  TakeQueue,
  Tallies,
  TickConsumer,
  TickConsumerOptions,
} from '@muster/queue';
import type { Logger } from '@muster/telemetry';

/** A configuration that was read and found faultless. */
export interface ReadConfig {
  readonly config: Config;
  readonly document: ConfigDocument;
}

/** Where the producer's own configuration is: its file. */
export interface ConfigFile {
  /** For messages. */
  readonly path: string;
  /** Of its bytes, without parsing them: equal bytes need not be parsed again. @throws `config_not_found`. */
  digest(): Promise<Sha256>;
  /** Reads and parses it. `fileDigest` is of the very bytes that were parsed. @throws `config_not_found`. */
  read(): Promise<
    { readonly fileDigest: Sha256 } & ({ readonly ok: true; readonly read: ReadConfig } | Refused)
  >;
  /** Calls back when the file may have changed; also on SIGHUP, where the caller wires it. */
  onChange(listener: () => void): { close(): void };
}

export interface Refused {
  readonly ok: false;
  readonly faults: readonly ConfigFault[];
}

export interface ProducerPorts {
  readonly file: ConfigFile;
  /** Parses what somebody pushed. */
  readonly parse: (document: ConfigDocument) => { readonly ok: true; readonly read: ReadConfig } | Refused;
  readonly configs: ConfigStore;
  readonly schedules: Schedules;
  readonly consumeTicks: (options: TickConsumerOptions) => TickConsumer;
  readonly drills: DrillQueue;
  readonly receipts: ReceiptQueue;
  /** Drills whose receipts did not verify: no queue holds them any more. */
  readonly quarantined: Pick<QuarantinedDrills, 'list'>;
  readonly takes: TakeQueue;
  readonly takeHistory: TakeHistory;
  readonly tallies: Pick<Tallies, 'add'>;
  readonly states: DrillStates;
  readonly events: DrillEvents;
  /** The evidence store that a configuration names: it may change with it. */
  readonly openStore: (config: Config) => EvidenceStore;
  readonly logger: Logger;
  readonly now: () => Date;
}
