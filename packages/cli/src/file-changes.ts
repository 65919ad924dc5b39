import { on } from 'node:events';
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Ticks once to begin with, for what changed before, and then for each change of a file until the signal aborts; several
 * ticks may mean one change. Editors write a new file and rename it, which only the directory sees.
 */
export function fileChanges(file: string, signal: AbortSignal): AsyncIterable<void> {
  // Both listen before this returns: no change after it is missed.
  const watcher = watch(dirname(file), { signal });
  const events = on(watcher, 'change', { signal });
  return ticks(events, basename(file), signal);
}

async function* ticks(
  events: AsyncIterable<unknown[]>,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<void, void, void> {
  yield;
  try {
    for await (const [, changed] of events) if (changed === null || changed === name) yield;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
