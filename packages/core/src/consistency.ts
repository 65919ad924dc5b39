import type { Statement } from './statement.js';

/** What in a statement contradicts itself, one sentence each; empty where nothing does. */
export function checkConsistency(_statement: Statement): string[] {
  return [];
}
