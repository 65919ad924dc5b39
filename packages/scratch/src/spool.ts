import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isAbandoned, madeFor } from './labels.js';
import { createOwnedDirectory, type OwnedDirectory, sweepOwnedDirectories } from './owned-directory.js';
import { thisWorker } from './worker-identity.js';

const spoolsIn = (stateDir: string): string => join(stateDir, 'spool');

/**
 * An empty directory for what one drill keeps on this machine's disk meanwhile. What dead processes left is removed first.
 * @throws `state_unwritable`
 */
export async function openSpool(
  stateDir: string,
  owner: { readonly drill: string; readonly expiresAt: Date },
): Promise<OwnedDirectory> {
  await sweepSpools(stateDir);
  const id = randomBytes(6).toString('hex');
  return await createOwnedDirectory(spoolsIn(stateDir), id, { ...owner, worker: thisWorker() });
}

/** Removes what dead processes left; touches nothing that is not surely Muster's. */
export async function sweepSpools(stateDir: string): Promise<void> {
  await sweepOwnedDirectories(spoolsIn(stateDir), (owner) => isAbandoned(owner));
}

/** Removes what earlier tries of a drill left, whoever made it. */
export async function removeSpools(stateDir: string, drillId: string): Promise<void> {
  await sweepOwnedDirectories(spoolsIn(stateDir), madeFor(drillId));
}
