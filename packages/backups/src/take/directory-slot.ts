import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, RECORD_SUFFIX } from '@muster/core';
import { readBeginning } from '@muster/engines';
import { recordAt } from '../retain/read-record.js';
import { isDead, ownerText, readOwner } from './slot-owner.js';
import { nameOfSlot, slotName } from './take-names.js';
import type { Liveness, SlotOwner } from './take-place.js';

/**
 * What one owner has in the directory of a slot. Its names are of that owner alone: whoever removes or renews them touches
 * nothing of the next one, who may have the slot by then.
 */
export interface DirectorySlot {
  readonly path: string;
  readonly owner: string;
  readonly content: string;
  readonly record: string;
}

const slotOf = (path: string, id: string): DirectorySlot => ({
  path,
  owner: join(path, `${id}${OWNER}`),
  content: join(path, `${id}.content`),
  record: join(path, `${id}.record.json`),
});

const OWNER = '.owner.json';

const ownersAmong = (names: readonly string[]): readonly string[] =>
  names.filter((name) => name.endsWith(OWNER)).map((name) => name.slice(0, -OWNER.length));

/** Of renaming over what is there, but for an empty directory, which is nobody's. */
const HAD = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR']);
/** A sweep may remove one that does not say yet whose it is. */
const TRIES = 5;

/** Undefined where there is such a slot. It has its owner's word in it when it gets its name. */
export async function makeSlot(
  directory: string,
  name: string,
  owner: SlotOwner,
): Promise<DirectorySlot | undefined> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const id = randomUUID();
    const slot = slotOf(join(directory, slotName(name)), id);
    const made = slotOf(join(directory, slotName(`muster-${id}`)), id);
    await mkdir(made.path, { mode: 0o700 });
    try {
      await writeFile(made.owner, ownerText(owner), { mode: 0o600 });
      await rename(made.path, slot.path);
      if (await isThere(slot.owner)) return slot;
    } catch (error) {
      await removeSlot(made).catch(() => undefined);
      const code = errnoOf(error) ?? '';
      if (HAD.has(code)) return undefined;
      if (code !== 'ENOENT') throw error;
    }
  }
  return undefined;
}

/** Whether what has the name of a slot is none, which no sweep ever removes. */
export async function isForeign(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isDirectory() !== true) return facts !== undefined;
  const inside = await readdir(path).catch(() => []);
  for (const id of ownersAmong(inside)) {
    const text = await ownerTextIn(slotOf(path, id));
    if (text === '' ? inside.length === 1 : text !== undefined && readOwner(text) !== undefined) return false;
  }
  return inside.length > 0;
}

/** @returns names of what was removed. */
export async function sweepSlot(
  directory: string,
  name: string,
  { liveness, now }: { readonly liveness: Liveness; readonly now: Date | undefined },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const path = join(directory, name);
  const inside = await readdir(path).catch(() => undefined);
  if (inside?.length === 0) return (await removeEmpty(path)) ? [name] : [];
  const swept = [];
  for (const id of ownersAmong(inside ?? [])) {
    const slot = slotOf(path, id);
    const text = await ownerTextIn(slot);
    // One whose take died before it could say whose it is: nothing else is in it, or it stays.
    if (text === '' && inside?.length === 1 && (await removeSlot(slot))) swept.push(name);
    const owner = text === undefined ? undefined : readOwner(text);
    const renewed = (await stat(slot.owner).catch(() => undefined))?.mtime;
    if (owner === undefined || renewed === undefined || !isDead(owner, liveness, { renewed, now })) continue;
    const orphan = await removeOrphan(directory, nameOfSlot(name) ?? '', owner.takeId, signal);
    if (await removeSlot(slot)) swept.push(name);
    if (orphan !== undefined) swept.push(orphan);
  }
  return swept;
}

/** Longer than any that Muster writes. */
const MOST_OWNER_BYTES = 4096;

/** Empty where nothing is in it yet, undefined where what is there is no file, such as a pipe. */
async function ownerTextIn({ owner }: DirectorySlot): Promise<string | undefined> {
  try {
    return (await readBeginning(owner, MOST_OWNER_BYTES))?.toString('utf8');
  } catch {
    return '';
  }
}

const removeEmpty = (path: string): Promise<boolean> =>
  rmdir(path).then(
    () => true,
    () => false,
  );

/**
 * What one owner has in a slot, and the slot if nothing else is in it. The proof of whose it is goes last, so that a removal
 * that is interrupted can be taken up again. False where another has removed that.
 */
export async function removeSlot({ path, owner, content, record }: DirectorySlot): Promise<boolean> {
  for (const one of [content, record]) await rm(one, { recursive: true, force: true, maxRetries: 3 });
  const isRemoved = await unlink(owner).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  await removeEmpty(path);
  return isRemoved;
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
