/** How long a rate looks back. */
const WINDOW_MS = 5000;
/** Below this much history a rate is a guess, and none is shown. */
const MINIMUM_MS = 500;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** What has flowed, over the last few seconds: enough for a rate and for the time left. */
export interface Flow {
  readonly samples: readonly Sample[];
  readonly bytes: number;
  readonly totalBytes?: number;
}

/** `flow` with one more report of progress at `at` (milliseconds). A count that falls begins anew. */
export function flowed(
  flow: Flow | undefined,
  at: number,
  progress: { readonly bytes: number; readonly totalBytes?: number },
): Flow {
  const before = flow !== undefined && progress.bytes >= flow.bytes ? flow.samples : [];
  // The youngest one beyond the window stays, so that rare reports have a rate too.
  const beyond = before.findLastIndex((sample) => at - sample.at > WINDOW_MS);
  const recent = before.slice(Math.max(0, beyond));
  return {
    samples: [...recent, { at, bytes: progress.bytes }],
    bytes: progress.bytes,
    ...(progress.totalBytes === undefined ? {} : { totalBytes: progress.totalBytes }),
  };
}

/** Bytes per second as of `now`; undefined while nobody can tell. A flow that stands still slows down. */
export function rateOf(flow: Flow, now: number): number | undefined {
  const oldest = flow.samples[0];
  if (oldest === undefined || now - oldest.at < MINIMUM_MS) return undefined;
  return ((flow.bytes - oldest.bytes) * 1000) / (now - oldest.at);
}

/** Milliseconds until the total is reached at this rate; undefined while nobody can tell. */
export function timeLeft(flow: Flow, now: number): number | undefined {
  const rate = rateOf(flow, now);
  if (rate === undefined || rate <= 0 || flow.totalBytes === undefined) return undefined;
  return (Math.max(0, flow.totalBytes - flow.bytes) * 1000) / rate;
}
