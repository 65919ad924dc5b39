import { isMusterError, MusterError, orAborted } from '@muster/core';
import type { Command, Scratch } from '@muster/scratch';

/** How a server is started, and how it is seen that it has. */
export interface Starting<T> {
  readonly command: Command;
  /** It accepts connections. */
  readonly ready: Promise<void>;
  readonly socket: { readonly name: string; readonly tcpPort: number };
  /** What it said so far, for the diagnosis file. */
  readonly log: () => string;
  /** Its first connection. `lost` aborts when the server or its scratch has ended. */
  readonly meet: (lost: AbortSignal) => Promise<T>;
}

/**
 * Starts a server in a scratch, with which it ends. What fails has ended it.
 * @throws `launch_failed`, `scratch_*`, `cancelled`, and what {@link Starting.meet} throws of Muster's own.
 */
export async function startInScratch<T>(
  scratch: Scratch,
  { command, ready, socket, log, meet }: Starting<T>,
  signal: AbortSignal,
): Promise<T> {
  const lost = new AbortController();
  const starting = new AbortController();
  // The server outlives this call and ends with its scratch, so it is not under the caller's signal.
  const ended = scratch.exec(command, starting.signal).finally(() => lost.abort());
  ended.catch(() => undefined);
  scratch.lost.then(() => lost.abort());
  try {
    const end = await orAborted(Promise.race([ready, ended]), signal);
    if (end !== undefined) throw new Error(`the server ended with exit code ${end.exitCode}`);
    await scratch.expose(socket);
    return await meet(lost.signal);
  } catch (error) {
    starting.abort();
    if (signal.aborted) throw new MusterError('cancelled', 'The start of the server was cancelled.');
    if (isMusterError(error)) throw error;
    const loss = await scratch.diagnose();
    throw new MusterError(
      loss?.reason ?? 'launch_failed',
      loss === undefined
        ? 'The server in the scratch did not start. `muster drill show --output` has its own words.'
        : `The server in the scratch did not start: ${loss.detail}`,
      { cause: error, output: log() },
    );
  }
}
