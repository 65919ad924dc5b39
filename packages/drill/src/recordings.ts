import { type FidelityManifest, MusterError, type Source } from '@muster/core';
import type { FidelityAsked, LiveDumper, LiveFacts } from '@muster/engines';

/** What is recorded at a live source while it is dumped. Whoever made them releases them on every path. */
export interface Recordings {
  /**
   * Runs `dump` with the id of a moment of the source that is recorded meanwhile; undefined where none is asked for, or can
   * be had.
   */
  during<T>(facts: LiveFacts, dump: (snapshot?: string) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What was recorded, once that has ended: undefined where nothing was asked for. */
  recorded(signal: AbortSignal): Promise<FidelityManifest | 'no_snapshot' | undefined>;
  /** Stops what goes on, and lets the source go. Idempotent. */
  release(): Promise<void>;
}

/** The level that a source itself names: of a live drill nothing is recorded unasked. */
export const askedOf = ({ fidelity: { level, budgetMs, sentinels } }: Source): FidelityAsked | undefined =>
  level === undefined || level === 'off' ? undefined : { level, budgetMs, sentinels };

/** @param live - absent of any other source, of which nothing is recorded while it is restored. */
export function recordingsOf(
  source: Source,
  live: { readonly dumper: Pick<LiveDumper, 'openSnapshot'>; readonly uri: string } | undefined,
): Recordings {
  const asked = askedOf(source);
  const stop = new AbortController();
  const held = new Map<
    string,
    { readonly manifest: Promise<FidelityManifest>; readonly close: () => Promise<void> }
  >();
  let lacking = false;
  return {
    async during(facts, dump, signal) {
      if (asked === undefined || live === undefined) return await dump();
      const key = facts.database ?? '';
      // A scratch that turned out to be too small is filled again.
      await held.get(key)?.close();
      const abort = () => stop.abort(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        const snapshot = await live.dumper.openSnapshot(live.uri, facts, stop.signal);
        lacking ||= snapshot === undefined;
        if (snapshot === undefined) return await dump();
        const dumped = dump(snapshot.id);
        const manifest = snapshot.record(asked, dumped, stop.signal).finally(() => snapshot.close());
        manifest.catch(() => undefined);
        held.set(key, { manifest, close: () => snapshot.close() });
        return await dumped;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    async recorded(signal) {
      if (asked === undefined) return undefined;
      if (lacking || held.size === 0) return 'no_snapshot';
      const abort = () => stop.abort(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        return together(await Promise.all([...held.values()].map(({ manifest }) => manifest)));
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    async release() {
      stop.abort();
      await Promise.all([...held.values()].map(({ close }) => close()));
    },
  };
}

/** Several databases of one cluster. */
function together(all: readonly FidelityManifest[]): FidelityManifest {
  const [first] = all;
  if (first === undefined) throw new MusterError('internal_error', 'Nothing was recorded.');
  return {
    ...first,
    databases: all.flatMap(({ databases }) => databases),
    unavailable: all.flatMap(({ unavailable }) => unavailable),
  };
}
