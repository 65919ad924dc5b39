import type { SecretRef } from './config/config.js';

/**
 * Reads `env:NAME` or `file:PATH`; undefined for all else, a secret written out in full included.
 * The path is as written: who knows where the file lies makes it absolute.
 */
export function parseSecretRef(text: string): SecretRef | undefined {
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
  if (name !== undefined) return { kind: 'env', name };
  const path = /^file:([^\0]+)$/.exec(text)?.[1];
  return path === undefined ? undefined : { kind: 'file', path };
}

/** The reference as it stands in a configuration; it holds no secret. */
export function writeSecretRef(ref: SecretRef): string {
  return ref.kind === 'env' ? `env:${ref.name}` : `file:${ref.path}`;
}
