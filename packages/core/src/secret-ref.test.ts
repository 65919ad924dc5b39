import { describe, expect, it } from 'vitest';
import { parseSecretRef, writeSecretRef } from './secret-ref.js';

describe('a reference to a secret', () => {
  it.each(['env:PROD_DB_URI', 'file:/run/secrets/muster.key', 'file:key with spaces'])(
    '%s is one',
    (text) => {
      const ref = parseSecretRef(text);
      expect(ref && writeSecretRef(ref)).toBe(text);
    },
  );

  it.each(['', 'env:', 'env:1A', 'env:A B', 'file:', 'ENV:A', 'A', 'postgres://u:p@h/d', 'file:a\0b'])(
    '%j is none',
    (text) => {
      expect(parseSecretRef(text)).toBeUndefined();
    },
  );
});
