import { lstat, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, RECORD_SUFFIX } from '@muster/core';
import { readBeginning } from '@muster/engines';
import { recordAt } from '../retain/read-record.js';
import { isDead, readOwner } from './slot-owner.js';
import { nameOfSlot } from './take-names.js';
import type { Liveness } from './take-place.js';

/** In the directory of a slot. */
export const OWNER = 'owner.json';
export const CONTENT = 'content';
export const RECORD = 'record.json';

/** The proof of whose it is goes last, so that a removal that is interrupted can be taken up again. */
export async function sweepSlot(
  directory: string,
  slot: string,
  { liveness, now }: { readonly liveness: Liveness; readonly now: Date | undefined },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const path = join(directory, slot);
  const text = await ownerTextIn(path);
  if (text === '') return (await removeEmpty(path)) ? [slot] : [];
  const owner = text === undefined ? undefined : readOwner(text);
  const renewed = (await stat(join(path, OWNER)).catch(() => undefined))?.mtime;
  if (owner === undefined || renewed === undefined || !isDead(owner, liveness, { renewed, now })) return [];
  const orphan = await removeOrphan(directory, nameOfSlot(slot) ?? '', owner.takeId, signal);
  await removeSlot(path);
  return orphan === undefined ? [slot] : [slot, orphan];
}

/** Longer than any that Muster writes. */
const MOST_OWNER_BYTES = 4096;

/** Empty where nothing is in it yet, undefined where what is there is no file, such as a pipe. */
async function ownerTextIn(slot: string): Promise<string | undefined> {
  try {
    return (await readBeginning(join(slot, OWNER), MOST_OWNER_BYTES))?.toString('utf8');
  } catch {
    return '';
  }
}

/** One whose take died before it could say whose it is: nothing else is in it, or it stays. */
async function removeEmpty(path: string): Promise<boolean> {
  const inside = await readdir(path).catch(() => undefined);
  if (inside === undefined || inside.some((name) => name !== OWNER)) return false;
  await rm(join(path, OWNER), { force: true });
  return await rmdir(path).then(
    () => true,
    () => false,
  );
}

/** A slot, and what is in it. */
export async function removeSlot(path: string): Promise<void> {
  for (const name of [CONTENT, RECORD]) await rm(join(path, name), { recursive: true, force: true });
  await rm(path, { recursive: true, force: true });
}

/** The record of a backup that its take did not come to publish: there is none of that name, and the record is its own. */
async function removeOrphan(
  directory: string,
  name: string,
  takeId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const record = `${name}${RECORD_SUFFIX}`;
  if (await isThere(join(directory, name))) return undefined;
  const found = await recordAt(join(directory, record), signal).catch(() => undefined);
  if (found === undefined || found === 'unreadable' || found.take?.id !== takeId) return undefined;
  await unlink(join(directory, record));
  return record;
}

export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
