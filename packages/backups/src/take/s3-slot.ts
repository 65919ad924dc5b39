import { randomUUID } from 'node:crypto';
import { backupRecordSchema, MOST_RECORD_BYTES, RECORD_SUFFIX } from '@muster/core';
import { abortUpload, deleteObject, headObject, putObject, readPart, S3Failure, uploadsOf } from '@muster/s3';
import type { S3Place } from '../s3-place.js';
import { isDead, ownerText, readOwner } from './slot-owner.js';
import { nameOfSlot, slotName } from './take-names.js';
import type { Liveness, SlotOwner } from './take-place.js';

/** Each renewal is a request, and in a versioned bucket a version. */
const RENEW_MS = 4 * 60_000;
/** For what must be removed when a take itself was cancelled. */
const LAST_WORDS_MS = 30_000;

/** False where there is such a slot. */
export async function makeSlot(
  { send, bucket, root }: S3Place,
  name: string,
  owner: SlotOwner,
  signal: AbortSignal,
): Promise<boolean> {
  const slot = { bucket, key: `${root}${slotName(name)}` };
  try {
    await putObject(send, { ...slot, bytes: Buffer.from(ownerText(owner)), once: true }, signal);
  } catch (error) {
    if (!(error instanceof S3Failure) || error.fault.kind !== 'taken') throw error;
    // The answer to a first try may have been lost.
    return isOf(owner, (await ownerAt(send, slot, signal))?.owner);
  }
  return true;
}

/** Until what it returns is called. One that cannot be renewed is at the worst swept by another machine. */
export function renew(place: S3Place, name: string, owner: SlotOwner, onLost = () => {}): () => void {
  const { send, bucket, root } = place;
  const slot = { bucket, key: `${root}${slotName(name)}` };
  const again = async () => {
    const found = await ownerAt(send, slot, lastWords());
    if (!isOf(owner, found?.owner)) return onLost();
    const bytes = Buffer.from(ownerText(owner));
    await asRead(found?.etag, (over) => putObject(send, { ...slot, bytes, once: false, over }, lastWords()));
  };
  const timer = setInterval(() => void again().catch(() => undefined), RENEW_MS).unref();
  return () => clearInterval(timer);
}

export const lastWords = (): AbortSignal => AbortSignal.timeout(LAST_WORDS_MS);

export async function ownerAt(
  send: S3Place['send'],
  slot: { bucket: string; key: string },
  signal: AbortSignal,
) {
  const there = await headObject(send, slot, signal);
  if (there === undefined) return undefined;
  const { sizeBytes, modified, etag } = there;
  try {
    const listed = { ...slot, sizeBytes, modified, etag };
    const bytes = await readPart(send, listed, 0, Math.min(sizeBytes, MOST_OWNER_BYTES), signal);
    return { owner: readOwner(bytes.toString('utf8')), renewed: modified, etag };
  } catch (error) {
    // It went, or went to another, since.
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Longer than any that Muster writes. */
const MOST_OWNER_BYTES = 4096;

const isGone = (error: unknown): boolean =>
  error instanceof S3Failure && (error.fault.kind === 'absent' || error.fault.kind === 'taken');

const isOf = (owner: SlotOwner, found: SlotOwner | undefined): boolean =>
  found?.takeId === owner.takeId && found.worker === owner.worker;

/** `work` on an object of that ETag alone, but on a server that does not compare. False where the object is gone. */
async function asRead(
  etag: string | undefined,
  work: (etag: string | undefined) => Promise<void>,
): Promise<boolean> {
  try {
    await work(etag);
  } catch (error) {
    if (isGone(error)) return false;
    const kind = error instanceof S3Failure ? error.fault.kind : undefined;
    if (kind !== 'unsupported' && kind !== 'refused') throw error;
    await work(undefined);
  }
  return true;
}

/** A slot, if it is its owner's still. */
export async function giveBack(
  { send, bucket, root }: S3Place,
  name: string,
  owner: SlotOwner,
): Promise<void> {
  const slot = { bucket, key: `${root}${slotName(name)}` };
  const found = await ownerAt(send, slot, lastWords());
  if (!isOf(owner, found?.owner)) return;
  await asRead(found?.etag, (etag) => deleteObject(send, { ...slot, etag }, lastWords()));
}

/** The proof of whose it is goes last, so that a removal that is interrupted can be taken up again. */
export async function sweepSlot(
  place: S3Place,
  slot: string,
  liveness: Liveness,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { send, bucket, root } = place;
  const name = nameOfSlot(slot) ?? '';
  const found = await ownerAt(send, { bucket, key: `${root}${slot}` }, signal);
  if (found?.owner === undefined) return [];
  const { owner, renewed } = found;
  const now = liveness(owner.worker) === 'unknown' ? await clockOf(place, signal) : undefined;
  if (!isDead(owner, liveness, { renewed, now })) return [];
  const backup = { bucket, key: `${root}${name}` };
  for (const uploadId of await uploadsOf(send, backup, signal))
    await abortUpload(send, { ...backup, uploadId }, signal);
  const orphan = await removeOrphan(place, name, owner.takeId, signal);
  const read = { bucket, key: `${root}${slot}` };
  const isSwept = await asRead(found.etag, (etag) => deleteObject(send, { ...read, etag }, signal));
  return [...(isSwept ? [slot] : []), ...(orphan === undefined ? [] : [orphan])];
}

/** That of the storage. */
async function clockOf({ send, bucket, root }: S3Place, signal: AbortSignal): Promise<Date | undefined> {
  const probe = { bucket, key: `${root}.muster-clock-${randomUUID()}` };
  await putObject(send, { ...probe, bytes: Buffer.alloc(0), once: true }, signal);
  const there = await headObject(send, probe, signal);
  await deleteObject(send, probe, signal);
  return there?.modified;
}

/** The record of a backup that its take did not come to publish: there is none of that name, and the record is its own. */
async function removeOrphan(
  { send, bucket, root }: S3Place,
  name: string,
  takeId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await headObject(send, { bucket, key: `${root}${name}` }, signal)) !== undefined) return undefined;
  const record = { bucket, key: `${root}${name}${RECORD_SUFFIX}` };
  const there = await headObject(send, record, signal);
  if (there === undefined || there.sizeBytes > MOST_RECORD_BYTES) return undefined;
  const listed = { ...record, sizeBytes: there.sizeBytes, modified: there.modified, etag: undefined };
  const bytes = await readPart(send, listed, 0, there.sizeBytes, signal);
  if (takeIdIn(bytes) !== takeId) return undefined;
  await deleteObject(send, record, signal);
  return `${name}${RECORD_SUFFIX}`;
}

function takeIdIn(record: Uint8Array): string | undefined {
  try {
    return backupRecordSchema.parse(JSON.parse(Buffer.from(record).toString('utf8'))).take?.id;
  } catch {
    return undefined;
  }
}
