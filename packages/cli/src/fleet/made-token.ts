import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningApi } from '@muster/api';
import type { Cli } from '../cli.js';
import { ensurePrivate, stateDirectory } from '../places.js';

/**
 * Tells whoever started an API the token that was made for it: on a terminal, once. Elsewhere stderr is kept, by a journal
 * or a log, and the token is in a file that only the user of this process may read; the line says which.
 * @returns what takes the file away again. @throws `state_unwritable`.
 */
export async function tellMadeToken(
  { environment, output }: Cli,
  { address, board, madeToken }: Pick<RunningApi, 'address' | 'board' | 'madeToken'>,
): Promise<() => Promise<void>> {
  if (madeToken === undefined) return async () => {};
  // One process at the most has an address: what a killed one left is written over.
  const name = `api-token-${address.replaceAll(/[^\w.]+/g, '-')}`;
  const file = output.stderr.isTTY ? undefined : join(await ensurePrivate(stateDirectory(environment)), name);
  if (file !== undefined) {
    await rm(file, { force: true });
    await writeFile(file, `${madeToken}\n`, { mode: 0o600, flag: 'wx' });
  }
  const where =
    file === undefined
      ? `this token until it stops: ${madeToken}`
      : `the token of this file until it stops: ${file}`;
  output.note(`The API at ${address} takes ${where}`);
  if (board !== undefined) output.note(`So does the page of its queues: ${board}`);
  return async () => {
    if (file !== undefined) await rm(file, { force: true });
  };
}
