import { asMusterError } from '../problem.js';

/** One thing that a drill needs. `absent`: not there, and another thing serves instead. `fault`: no drill without it. */
export interface Finding {
  readonly subject: string;
  readonly outcome: 'ok' | 'absent' | 'fault';
  readonly detail: string;
  /** Commands to type. */
  readonly install?: readonly string[];
}

/** What `look` finds, or the error that it met. */
export async function examine(subject: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { subject, outcome: 'ok', detail: await look() };
  } catch (thrown) {
    return { subject, outcome: 'fault', detail: asMusterError(thrown).message };
  }
}
