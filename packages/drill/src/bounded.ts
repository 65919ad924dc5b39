import { isMusterError, MusterError, orStuck } from '@muster/core';

/** What ends a phase before its own end. */
export interface Bounds {
  readonly name: string;
  /** Whose phase it is, for people. */
  readonly of: 'drill' | 'rehearsal';
  readonly limitMs: number;
  /** The key of the source that says so: `limits.restore`. */
  readonly limitedBy: string;
  /** Aborts when a person cancels the whole. */
  readonly cancel: AbortSignal;
  /** Aborts when the time of the whole is over. Absent = it has no limit but those of its phases. */
  readonly deadline?: AbortSignal;
  /** Resolves when the ground under the phase is gone. */
  readonly lost?: Promise<MusterError>;
}

/**
 * Runs a phase within its bounds; the signal that `work` gets aborts when one of them is reached.
 * @throws what `work` threw; `cancelled` or `time_limit` where that is the cause; the loss where the scratch is lost.
 */
export async function bounded<T>(bounds: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { name, of, limitMs, limitedBy, cancel, deadline } = bounds;
  const limit = AbortSignal.timeout(limitMs);
  const loss = new AbortController();
  let over = false;
  void bounds.lost?.then((error) => over || loss.abort(error));
  const signal = AbortSignal.any([cancel, ...(deadline ? [deadline] : []), limit, loss.signal]);
  try {
    signal.throwIfAborted();
    return await orStuck(work(signal), signal);
  } catch (error) {
    if (cancel.aborted) {
      throw new MusterError('cancelled', `The ${of} was cancelled while it was in its phase "${name}".`, {
        cause: error,
      });
    }
    if (deadline?.aborted) {
      throw new MusterError(
        'time_limit',
        `The ${of} reached its time limit in its phase "${name}": raise limits.drill of the source, or find what is slow.`,
        { cause: error },
      );
    }
    if (limit.aborted) {
      throw new MusterError(
        'time_limit',
        `The phase "${name}" reached its time limit of ${limitMs / 1000} s: raise ${limitedBy} of the source, or find what is slow.`,
        { cause: error },
      );
    }
    if (loss.signal.aborted && isMusterError(loss.signal.reason)) throw loss.signal.reason;
    throw error;
  } finally {
    over = true;
  }
}
