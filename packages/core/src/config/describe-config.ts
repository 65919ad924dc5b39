import type { JsonValue } from '../jcs.js';
import type { Config } from './config.js';

/** The configuration in force, in the shape of its file; secrets stay references. */
export function describeConfig(_config: Config): { readonly [key: string]: JsonValue } {
  return {};
}
