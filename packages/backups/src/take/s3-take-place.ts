import { randomUUID } from 'node:crypto';
import { backupRecordSchema, MOST_RECORD_BYTES, MusterError, RECORD_SUFFIX } from '@muster/core';
import {
  abortUpload,
  beginUpload,
  deleteObject,
  headObject,
  listObjects,
  putObject,
  readPart,
  type S3Connection,
  S3Failure,
  type S3Upload,
  settingsUnder,
  uploadsOf,
} from '@muster/s3';
import { type S3Bounds, type S3Place, s3Place } from '../s3-place.js';
import { writingObjects } from './s3-writing-fault.js';
import { isDead, ownerText, readOwner } from './slot-owner.js';
import { nameOfSlot, namesOf, slotName } from './take-names.js';
import type { Liveness, SlotOwner, TakePlace, TakeSlot } from './take-place.js';

export interface S3TakePlaceOptions {
  readonly bucket: string;
  /** Without slashes around it; empty = the whole bucket. */
  readonly prefix: string;
  readonly connection: S3Connection;
  readonly liveness: Liveness;
  /** Absent = as below. */
  readonly bounds?: S3Bounds | undefined;
}

/** Of requests that are small. */
const BOUNDS: S3Bounds = {
  timing: { attempt: 15_000, backoff: [200, 1_000, 3_000] },
  stall: 60_000,
  again: [],
};
/** Of one part, which a slow line takes its time for. */
const PART_MS = 10 * 60_000;
const CALLED = {
  settings: settingsUnder('backup.s3'),
  location: 'backup.location',
  permissions: 'docs/take.md',
} as const;

/** Each renewal is a request, and in a versioned bucket a version. */
const RENEW_MS = 4 * 60_000;
/** For what must be removed when a take itself was cancelled. */
const LAST_WORDS_MS = 30_000;

/**
 * Backups under a prefix of object storage. A slot is a small hidden object, put on the condition that there is none: whoever
 * has it has every upload of its backup's name. The backup itself is uploaded in parts under its own name, and is there once
 * that is completed, on the same condition.
 */
export function createS3TakePlace(options: S3TakePlaceOptions): TakePlace {
  const { bounds = BOUNDS, connection, liveness } = options;
  const place = s3Place(options, connection, bounds, CALLED);
  const { timing } = bounds;
  const slow = s3Place(options, connection, { ...bounds, timing: { ...timing, attempt: PART_MS } }, CALLED);
  const { location, root, bucket } = place;
  const at = (name: string) => ({ bucket, key: `${root}${name}` });
  return {
    location,
    names: (signal) => writingObjects(location, () => namesIn(place, root, signal)),
    sizeOf: async (name, signal) =>
      (await writingObjects(location, () => headObject(place.send, at(name), signal)))?.sizeBytes,
    sweep: (signal) =>
      writingObjects(location, async () => {
        const slots = (await namesIn(place, `${root}.`, signal)).filter((name) => nameOfSlot(name));
        const swept = [];
        for (const slot of slots) swept.push(...(await sweepSlot(place, slot, liveness, signal)));
        return swept;
      }),
    hold: (slug, owner, signal) =>
      writingObjects(location, async () => {
        if (!(await makeSlot(place, slug, owner, signal))) return undefined;
        const stop = renew(place, slug, owner);
        return {
          close: async () => {
            stop();
            await deleteObject(place.send, at(slotName(slug)), lastWords()).catch(() => undefined);
          },
        };
      }),
    open: (names, owner, signal) =>
      writingObjects(location, async () => {
        const there = new Set(await namesIn(place, root, signal));
        for (const name of names) {
          if (namesOf(name).some((one) => there.has(one))) continue;
          if (await reserve(place, name, owner, signal)) return slotAt(place, slow, name, owner);
        }
        throw new MusterError(
          'take_exists',
          `In ${location} there are backups of this very minute already, and none is overwritten: see whether the clock was set back, and try again.`,
        );
      }),
  };
}

/** Directly below the root; `prefix`: with the root. */
async function namesIn({ send, bucket, root }: S3Place, prefix: string, signal: AbortSignal) {
  const pages = await Array.fromAsync(listObjects(send, { bucket, prefix }, signal));
  const names = pages.flat().map(({ key }) => key.slice(root.length).split('/')[0] ?? '');
  return [...new Set(names)].filter((name) => name !== '');
}

/** False where somebody has the name. */
async function reserve(
  place: S3Place,
  name: string,
  owner: SlotOwner,
  signal: AbortSignal,
): Promise<boolean> {
  const { send, bucket, root } = place;
  if (!(await makeSlot(place, name, owner, signal))) return false;
  // It may have been published since the names were listed.
  if ((await headObject(send, { bucket, key: `${root}${name}` }, signal)) === undefined) return true;
  await deleteObject(send, { bucket, key: `${root}${slotName(name)}` }, signal);
  return false;
}

/** False where there is such a slot. */
async function makeSlot(
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
    return (await ownerAt(send, slot, signal))?.owner?.takeId === owner.takeId;
  }
  return true;
}

/** Until what it returns is called. One that cannot be renewed is at the worst swept by another machine. */
function renew({ send, bucket, root }: S3Place, name: string, owner: SlotOwner): () => void {
  const slot = { bucket, key: `${root}${slotName(name)}`, bytes: Buffer.from(ownerText(owner)), once: false };
  const again = () => void putObject(send, slot, lastWords()).catch(() => undefined);
  const timer = setInterval(again, RENEW_MS).unref();
  return () => clearInterval(timer);
}

const lastWords = (): AbortSignal => AbortSignal.timeout(LAST_WORDS_MS);

async function ownerAt(send: S3Place['send'], slot: { bucket: string; key: string }, signal: AbortSignal) {
  const there = await headObject(send, slot, signal);
  if (there === undefined) return undefined;
  const { sizeBytes, modified } = there;
  const listed = { ...slot, sizeBytes, modified, etag: undefined };
  const bytes = await readPart(send, listed, 0, Math.min(sizeBytes, 4096), signal);
  return { owner: readOwner(bytes.toString('utf8')), renewed: modified };
}

/** The proof of whose it is goes last, so that a removal that is interrupted can be taken up again. */
async function sweepSlot(
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
  await deleteObject(send, { bucket, key: `${root}${slot}` }, signal);
  return orphan === undefined ? [slot] : [slot, orphan];
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

const MIB = 1024 * 1024;
/** Of a part. Some storages want all parts of one size, so that it is chosen before the first. */
const LEAST_PART = 16 * MIB;
const USUAL_PART = 64 * MIB;
/** A dump is smaller than its source; this leaves a fifth of the parts that there may be. */
const PARTS_OF_SOURCE = 8_000;

const partBytesFor = (sourceBytes: number | undefined): number =>
  sourceBytes === undefined
    ? USUAL_PART
    : Math.max(LEAST_PART, Math.ceil(sourceBytes / PARTS_OF_SOURCE / MIB) * MIB);

function slotAt(place: S3Place, slow: S3Place, name: string, owner: SlotOwner): TakeSlot {
  const { send, bucket, root } = place;
  const location = `${place.location}/${name}`;
  const at = (one: string) => ({ bucket, key: `${root}${one}` });
  const stop = renew(place, name, owner);
  let upload: S3Upload | undefined;
  /** Whether it became an object: then the slot stays, so that a sweep finds out. */
  let unknown = false;
  return {
    name,
    location,
    write: (bytes, { onBytes, sourceBytes }, signal) =>
      writingObjects(place.location, async () => {
        const metadata = { 'muster-take': owner.takeId };
        const options = { ...at(name), metadata, partBytes: partBytesFor(sourceBytes) };
        upload = await beginUpload(slow.send, options, signal);
        const { sha256, sizeBytes } = await upload.write(bytes, onBytes, signal);
        return { sha256: `sha256:${sha256}`, sizeBytes };
      }),
    publish: (record, signal) =>
      writingObjects(place.location, async () => {
        if (upload === undefined) throw new MusterError('internal', 'Nothing was uploaded.');
        const kept = at(`${name}${RECORD_SUFFIX}`);
        await putObject(send, { ...kept, bytes: record, once: true }, signal);
        try {
          await upload.complete(signal);
        } catch (error) {
          if (!(await isPublished(upload, kept))) throw error;
        }
      }),
    close: async () => {
      stop();
      try {
        await upload?.abort(lastWords());
        if (!unknown) await deleteObject(send, at(slotName(name)), lastWords());
      } catch {
        // It is swept.
      }
    },
  };

  /** Whether an upload became an object whose completion failed, or was cancelled: else its record goes. */
  async function isPublished(failed: S3Upload, record: { bucket: string; key: string }): Promise<boolean> {
    unknown = true;
    try {
      await failed.abort(lastWords());
      const there = await headObject(send, at(name), lastWords());
      const isOurs = there?.metadata['muster-take'] === owner.takeId;
      if (!isOurs) await deleteObject(send, record, lastWords());
      unknown = false;
      return isOurs;
    } catch {
      return false;
    }
  }
}
