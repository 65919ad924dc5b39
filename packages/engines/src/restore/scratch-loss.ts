import { MusterError, orAborted } from '@muster/core';
import type { Loss, Scratch } from '@muster/scratch';

const MEANINGS = {
  scratch_disk_full: 'The backup does not fit the scratch: give it more `scratch.disk`.',
  scratch_out_of_memory: 'The restore ran out of memory: give it more `scratch.memory`.',
  scratch_lost: 'The server in the scratch ended while it restored.',
} as const satisfies Readonly<Record<Loss['reason'], string>>;

const REASONS = ['scratch_disk_full', 'scratch_out_of_memory', 'scratch_lost'] as const;

/**
 * What it means to a restore that its scratch failed; undefined where nobody says so. `told`: by the scratch, by the server's
 * own refusal, by its end; of several the first of {@link REASONS} is the cause of the others.
 */
export function scratchLoss(
  told: readonly (Loss['reason'] | undefined | false)[],
  cause: unknown,
): MusterError | undefined {
  const reason = REASONS.find((one) => told.includes(one));
  return reason && new MusterError(reason, MEANINGS[reason], { cause });
}

/** How long the cell may take to know why it ended. */
const LOST_MS = 5_000;

/** Why the cell of a server is failing, where it is: asked a moment longer where the server has ended. */
export async function lossOf({
  scratch,
  lost,
}: {
  readonly scratch: Scratch;
  readonly lost: AbortSignal;
}): Promise<Loss | undefined> {
  const loss = await scratch.diagnose();
  if (!lost.aborted || loss !== undefined) return loss;
  return await orAborted(scratch.lost, AbortSignal.timeout(LOST_MS)).catch(() => undefined);
}
