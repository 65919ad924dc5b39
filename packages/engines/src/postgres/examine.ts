import type { Artefact } from '../artefact.js';
import type { Examined } from '../engine.js';
import type { PostgresFacts } from './postgres-facts.js';

/** {@link Engine.examine} of PostgreSQL. */
export declare function examine(
  artefact: Artefact,
  facts: PostgresFacts,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Examined>;
