import type { Readable } from 'node:stream';
import type { Artefact } from '../artefact.js';
import type { PostgresFacts } from './postgres-facts.js';
import type { Toc } from './toc.js';

/** {@link Engine.identify} of PostgreSQL. */
export declare function identify(artefact: Artefact, signal: AbortSignal): Promise<PostgresFacts>;
/** Facts of a custom archive from its table of contents (of a stream, see {@link peekToc}). */
export declare function factsOfToc(toc: Toc): PostgresFacts;
/** Reads just the head of a custom archive off a byte stream (not wrapped), and gives back a stream of all its bytes. */
export declare function peekToc(
  stream: Readable,
  signal: AbortSignal,
): Promise<{ readonly toc: Toc; readonly stream: Readable }>;
