import type { Reason } from '@muster/core';
import { asMusterError } from '../problem.js';

/**
 * One thing that a drill needs. `warning`: it serves, and should be otherwise. `absent`: not there, and another thing serves
 * instead. `fault`: no drill without it, or none that counts.
 */
export interface Finding {
  readonly subject: string;
  readonly outcome: 'ok' | 'warning' | 'absent' | 'fault';
  readonly detail: string;
  /** Of a fault: what the receipt of a drill would give as its reason. */
  readonly reason?: Reason;
  /** Commands to type. */
  readonly install?: readonly string[];
}

/** What `look` finds (words alone: all is well), or the error that it met. */
export async function examine(
  subject: string,
  look: () => Promise<string | Omit<Finding, 'subject'>>,
): Promise<Finding> {
  try {
    const found = await look();
    return typeof found === 'string' ? { subject, outcome: 'ok', detail: found } : { subject, ...found };
  } catch (thrown) {
    return { subject, outcome: 'fault', detail: asMusterError(thrown).message };
  }
}
