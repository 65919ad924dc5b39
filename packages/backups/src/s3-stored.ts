import { MusterError } from '@muster/core';
import { digestFilesOf } from '@muster/engines';
import { readObject, readPart, type S3Listed, type S3Object } from '@muster/s3';
import type { Stored, StoredReading } from './flow.js';
import { backupFault, reading, type S3Place } from './s3-place.js';

/** How much of an object is fetched at first to look at its head, and at the most at once. */
const FIRST_PART = 64 * 1024;
const LARGEST_PART = 8 * 1024 * 1024;
/** Of a file of digests. */
const MOST_DIGESTS = 16 * 1024 * 1024;

/** An object, as it was when it was listed. `there`: the objects directly below the root, by name. */
export function storedObject(
  place: S3Place,
  name: string,
  object: S3Object,
  there: ReadonlyMap<string, S3Object>,
): Stored {
  const listed = { ...object, bucket: place.bucket };
  const what = `${place.location}/${name}`;
  return {
    name,
    sizeBytes: object.sizeBytes,
    beside: digestFilesOf(name).flatMap((file) => {
      const digests = there.get(file.name);
      if (digests === undefined) return [];
      const read = (signal: AbortSignal) =>
        reading(`${place.location}/${file.name}`, () =>
          readPart(place.send, { ...digests, bucket: place.bucket }, 0, MOST_DIGESTS, signal),
        );
      return [{ ...file, read }];
    }),
    head: (signal) => headOf(place, listed, what, signal),
    read: (signal) => readWhole(place, listed, what, signal),
  };
}

/** @throws the reasons of a drill. */
export function readWhole(
  { send, patience }: S3Place,
  object: S3Listed,
  what: string,
  signal: AbortSignal,
): StoredReading {
  const { bytes, matches } = readObject(send, object, patience, signal);
  return {
    bytes: (async function* () {
      try {
        yield* bytes;
      } catch (error) {
        signal.throwIfAborted();
        throw backupFault(what, error);
      }
    })(),
    end: async () => ((await matches()) === false ? differs(what) : undefined),
  };
}

const differs = (what: string): MusterError =>
  new MusterError(
    'checksum_mismatch',
    `${what} does not match the checksum that its storage keeps of it. Look at the storage, or take another backup.`,
  );

async function* headOf(
  { send }: S3Place,
  object: S3Listed,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for (let at = 0, length = FIRST_PART; at < object.sizeBytes; length = Math.min(length * 4, LARGEST_PART)) {
    const part = await reading(what, () => readPart(send, object, at, length, signal));
    at += part.length;
    yield part;
  }
}
