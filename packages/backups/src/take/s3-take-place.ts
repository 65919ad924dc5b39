import { MusterError, RECORD_SUFFIX } from '@muster/core';
import {
  beginUpload,
  deleteObject,
  headObject,
  listObjects,
  putObject,
  type S3Connection,
  type S3Upload,
  settingsUnder,
} from '@muster/s3';
import { type S3Bounds, type S3Place, s3Place } from '../s3-place.js';
import { giveBack, lastWords, makeSlot, ownerAt, renew, sweepSlot } from './s3-slot.js';
import { writingObjects } from './s3-writing-fault.js';
import { foreignSlot, holdLost } from './slot-owner.js';
import { stillGoing } from './still-going.js';
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
        const slot = at(slotName(slug));
        if (!(await makeSlot(place, slug, owner, signal))) {
          const found = await ownerAt(place.send, slot, signal);
          if (found !== undefined && found.owner === undefined)
            throw foreignSlot(`${location}/${slotName(slug)}`);
          return undefined;
        }
        const lost = new AbortController();
        const stop = renew(place, slug, owner, () => lost.abort(holdLost(slug, location)));
        return {
          lost: lost.signal,
          close: async () => {
            stop();
            await giveBack(place, slug, owner).catch(() => undefined);
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
        await stillGoing(signal);
        await putObject(send, { ...kept, bytes: record, once: true }, signal);
        try {
          await stillGoing(signal);
          await upload.complete(signal);
        } catch (error) {
          if (!(await isPublished(upload, kept))) throw error;
        }
      }),
    close: async () => {
      stop();
      try {
        await upload?.abort(lastWords());
        if (!unknown) await giveBack(place, name, owner);
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
