import type { Readable } from 'node:stream';
import type { Wrapper } from './postgres-facts.js';

/**
 * The bytes inside a wrapper: every member of a multi-member gzip, every frame of a multi-frame zstd. Ends with
 * `truncated` or `corrupt` where the wrapper does not reach its end, its checksum is wrong, or something else follows.
 * Destroying the result destroys `source`.
 */
export declare function unwrap(source: Readable, wrapper: Wrapper): Readable;
