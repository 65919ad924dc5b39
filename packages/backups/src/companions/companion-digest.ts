import { type Sha256, sha256 } from '@muster/core';
import { unusable } from './companion-place.js';

export interface DigestedFile {
  /** In the companion. */
  readonly path: string;
  /** SHA-256, lower-case hex. */
  readonly hex: string;
}

/**
 * Of a directory: over the lines that `sha256sum` prints of its files, sorted by the bytes of their paths; what links lead
 * to counts as if it lay there. An auditor makes it with
 *
 *     find -L . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum
 */
export function digestOf(files: readonly DigestedFile[]): Sha256 {
  const bytes = new Map(files.map(({ path }) => [path, Buffer.from(path)]));
  const order = (path: string): Buffer => bytes.get(path) ?? Buffer.alloc(0);
  const sorted = files.toSorted((a, b) => Buffer.compare(order(a.path), order(b.path)));
  return sha256(sorted.map(({ path, hex }) => `${hex}  ${path}\n`).join(''));
}

/**
 * `sha256sum` writes names with a line break or backslash in another form, and of what is no UTF-8 two names look alike.
 * @throws `companion_unusable`
 */
export function requirePlainName(path: string, location: string): void {
  if (!/[\\\r\n\ufffd]/.test(path)) return;
  throw unusable(location, 'the name of a file in it has a line break or a backslash, or is no UTF-8');
}
