import { createHash, randomBytes } from 'node:crypto';

/**
 * The span id of one try. Derived, so that whoever takes a drill over can tell the span of the try before it, which
 * died with its worker, and under which that worker's phases already lie.
 */
export function attemptSpanId(
  drillId: string,
  attempt: { readonly worker: string; readonly started_at: string },
): string {
  return derived(`${drillId} ${attempt.worker} ${attempt.started_at}`);
}

/** Of a phase of a try, by the span id of the try: for the same reason, with its checks. */
export const phaseSpanId = (attempt: string, phase: string): string => derived(`${attempt} ${phase}`);

const derived = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16);

let chosen: string | undefined;

/** Runs `start`, which starts one span, so that it gets this id. */
export function withSpanId<T>(spanId: string, start: () => T): T {
  chosen = spanId;
  try {
    return start();
  } finally {
    chosen = undefined;
  }
}

/** Random ids, but for the one that {@link withSpanId} chose. */
export const idGenerator = {
  generateTraceId: (): string => randomBytes(16).toString('hex'),
  generateSpanId: (): string => chosen ?? randomBytes(8).toString('hex'),
};
