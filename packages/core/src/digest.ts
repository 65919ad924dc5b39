import { createHash } from 'node:crypto';

/** `sha256:` + lower-case hex, as hashes are written everywhere but in in-toto digests. */
export type Sha256 = `sha256:${string}`;

/** SHA-256 over the bytes, or over the UTF-8 bytes of a string. */
export function sha256(data: string | Uint8Array): Sha256 {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}
