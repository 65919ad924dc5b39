import { z } from 'zod';
import type { JsonValue } from '../jcs.js';
import { configSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of a configuration file, for editors. */
export function configJsonSchema(): { readonly [key: string]: JsonValue } {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  return JSON.parse(JSON.stringify({ title: 'muster.yaml', ...schema })) as { [key: string]: JsonValue };
}
