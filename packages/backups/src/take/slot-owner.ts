import { TAKE_ID } from '@muster/core';
import { z } from 'zod';
import { type Liveness, type SlotOwner, STALE_MS } from './take-place.js';

const ownerSchema = z.strictObject({
  type: z.literal('urn:muster:take:v1'),
  take_id: z.string().regex(TAKE_ID),
  worker: z.string().max(500),
});

export const ownerText = ({ takeId, worker }: SlotOwner): string =>
  `${JSON.stringify({ type: 'urn:muster:take:v1', take_id: takeId, worker })}\n`;

/** Undefined for what Muster has not written: such a slot is nobody's to sweep. */
export function readOwner(text: string): SlotOwner | undefined {
  try {
    const { take_id: takeId, worker } = ownerSchema.parse(JSON.parse(text));
    return { takeId, worker };
  } catch {
    return undefined;
  }
}

/**
 * Whether the take of a slot is dead. `renewed` and `now` are of one clock, that of the place.
 * A process of this machine tells for itself, whatever clocks say.
 */
export function isDead(
  { worker }: SlotOwner,
  liveness: Liveness,
  { renewed, now }: { readonly renewed: Date; readonly now: Date | undefined },
): boolean {
  const state = liveness(worker);
  if (state !== 'unknown') return state === 'dead';
  return now !== undefined && now.getTime() - renewed.getTime() > STALE_MS;
}
