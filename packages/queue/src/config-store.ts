import type { ConfigFault, Sha256 } from '@muster/core';
import type { Subscription } from './drill-states.js';

/** A configuration as it travels: what `parseConfig` reads again on a worker, with no file at hand. */
export interface ConfigDocument {
  /** `config_sha256`. */
  readonly digest: Sha256;
  /** The file's document as JSON (which is YAML too); references to secrets, never secrets. */
  readonly text: string;
  /** Absolute: relative paths of the document are relative to it. */
  readonly directory: string;
}

/** Where the configuration in force came from. */
export type ConfigOrigin =
  | { readonly type: 'file' }
  /** Pushed, while the producer's own file had this digest: it stays in force until that file changes. */
  | { readonly type: 'push'; readonly fileDigest: Sha256 };

export interface ConfigInForce {
  readonly digest: Sha256;
  readonly origin: ConfigOrigin;
}

export type PushAnswer =
  | { readonly type: 'accepted'; readonly digest: Sha256 }
  | { readonly type: 'refused'; readonly faults: readonly ConfigFault[] };

/** Configurations by digest, `muster:config:<hex>`. The producer is the only writer. @throws `redis_unavailable`. */
export interface ConfigStore {
  /** Puts it in force; the one before it stays readable for 30 days, for the drills that were asked under it. */
  enforce(document: ConfigDocument, origin: ConfigOrigin): Promise<void>;
  inForce(): Promise<ConfigInForce | undefined>;
  get(digest: string): Promise<ConfigDocument | undefined>;

  /** Proposes a configuration to the producer. @throws `producer_unavailable` where none answers within 15 s. */
  push(document: ConfigDocument, signal: AbortSignal): Promise<PushAnswer>;
  /** Answers proposals, one at a time; resolves when it listens. */
  onPush(answer: (proposed: ConfigDocument) => Promise<PushAnswer>): Promise<Subscription>;
}
