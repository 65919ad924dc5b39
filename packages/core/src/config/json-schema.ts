import type { JsonValue } from '../jcs.js';

/** The JSON Schema (draft 2020-12) of a configuration, for editors. */
export function configJsonSchema(): { readonly [key: string]: JsonValue } {
  return {};
}
