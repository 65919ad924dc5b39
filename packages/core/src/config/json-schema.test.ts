import { describe, expect, it } from 'vitest';
import { configJsonSchema } from './json-schema.js';

type Schema = { readonly [key: string]: unknown } & {
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
};

describe('the JSON Schema of a configuration', () => {
  const schema = configJsonSchema() as Schema;

  it('describes every key, and allows no other', () => {
    const visit = (part: Schema, path: string): void => {
      if (part.properties !== undefined) expect(part['additionalProperties'], path).toBe(false);
      for (const [key, inner] of Object.entries(part.properties ?? {})) {
        expect(inner['description'], `${path}.${key}`).toEqual(expect.any(String));
        visit(inner, `${path}.${key}`);
      }
      if (part.items !== undefined) visit(part.items, `${path}[]`);
    };
    visit(schema, '');
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  it('has no pattern that only JavaScript reads', () => {
    expect(JSON.stringify(schema)).not.toContain('\\\\p{');
  });

  it('offers no word that is not supported yet', () => {
    expect(schema.properties?.['scratch']?.properties?.['kind']?.['enum']).toEqual([
      'auto',
      'docker',
      'bubblewrap',
    ]);
    expect(JSON.stringify(schema)).not.toMatch(/"podman"[,\]]/);
  });

  it('refuses keys that are not supported yet', () => {
    expect(schema.properties?.['telemetry']).toEqual({ not: {}, description: 'Not supported yet.' });
    expect(schema['required']).toEqual(['sources']);
  });
});
