import { setTimeout as pause } from 'node:timers/promises';
import { MusterError, type Take } from '@muster/core';
import type { PlaceHold, SlotOwner, TakePlace } from './take-place.js';
import { whyStopped } from './why-stopped.js';

export interface Holding {
  readonly place: TakePlace;
  readonly slug: string;
  readonly owner: SlotOwner;
  readonly take: Pick<Take, 'overrun' | 'limitMs'>;
  readonly onWait: () => void;
}

export interface HeldPlace extends PlaceHold {
  /** What a take that died had left, and was removed to have it. */
  readonly swept: readonly string[];
}

const LOOK_MS = 2_000;

/**
 * A place for takes of one source alone, where no fleet gives it: while another take of it is there this one is left out, or
 * with `overrun: wait` waits for it, for the limit of a take. @throws `take_overrun`, what the place throws, `cancelled`.
 */
export async function holdPlace(holding: Holding, signal: AbortSignal): Promise<HeldPlace> {
  try {
    return await waitFor(holding, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    const { code, words } = whyStopped(signal);
    throw new MusterError(code, `${words} It had not begun.`, { cause: error });
  }
}

async function waitFor(
  { place, slug, owner, take, onWait }: Holding,
  signal: AbortSignal,
): Promise<HeldPlace> {
  const limit = AbortSignal.timeout(take.limitMs);
  const swept: string[] = [];
  for (;;) {
    const held = await place.hold(slug, owner, signal);
    if (held !== undefined) return { swept, lost: held.lost, close: () => held.close() };
    const cleared = await place.sweep(signal);
    swept.push(...cleared);
    if (cleared.length > 0) continue;
    if (take.overrun !== 'wait' || limit.aborted) {
      throw new MusterError(
        'take_overrun',
        `In ${place.location} another take of the source "${slug}" is not over: do it again then, or let takes wait (take.overrun: wait). One of another machine that died is forgotten after a quarter of an hour.`,
      );
    }
    onWait();
    await pause(LOOK_MS, undefined, { signal });
  }
}
