import { MusterError, TAKE_ID } from '@muster/core';
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

/** `path`: where a slot would be. */
export const foreignSlot = (path: string): MusterError =>
  new MusterError(
    'take_unwritable',
    `${path} has the name by which one take of a source keeps out the others, and is no slot of Muster, which therefore never removes it: see what it is, and remove it.`,
  );

/** What the holder of a place is told when it was swept. */
export const holdLost = (slug: string, location: string): MusterError =>
  new MusterError(
    'lease_lost',
    `The slot of the source "${slug}" in ${location} is no longer this take's: it was not renewed for a quarter of an hour, so that another take may be under way.`,
  );

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
