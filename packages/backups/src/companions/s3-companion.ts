import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isMusterError } from '@muster/core';
import { listObjects, type S3Called, type S3Connection, type S3Object, settingsUnder } from '@muster/s3';
import { eachLimited } from '../each-limited.js';
import { fetchObject, PARALLEL, type Wanted } from '../s3-fetch.js';
import { reading, type S3Bounds, type S3Place, s3Place } from '../s3-place.js';
import { type DigestedFile, digestOf, requirePlainName } from './companion-digest.js';
import {
  type CompanionPlace,
  type CompanionRoom,
  companionChanged,
  MOST_FILES,
  missing,
  requireRoom,
  tooMany,
  unusable,
} from './companion-place.js';

export interface S3CompanionOptions {
  readonly bucket: string;
  /** The key of an object, or what keys begin with before a slash. Empty = the whole bucket. */
  readonly prefix: string;
  readonly connection: S3Connection;
  readonly bounds?: S3Bounds | undefined;
}

const CALLED: S3Called = {
  settings: settingsUnder('companions[].s3'),
  location: 'companions[].from',
  permissions: 'docs/companions.md',
};

/** A companion in object storage: the object of that key, or what lies below it as a directory. */
export function createS3Companion({ bounds, ...options }: S3CompanionOptions): CompanionPlace {
  const place = s3Place(options, options.connection, bounds, CALLED);
  const { location } = place;
  const look = async (room: Pick<CompanionRoom, 'mostBytes'>, signal: AbortSignal) => {
    const members = await membersOf(place, options.prefix, signal);
    const sizeBytes = members.reduce((sum, { object }) => sum + object.sizeBytes, 0);
    requireRoom(location, sizeBytes, room);
    return { members, sizeBytes };
  };
  return {
    location,
    async look(room, signal) {
      const { members, sizeBytes } = await look(room, signal);
      return { sizeBytes, files: members.length, copied: true };
    },
    async fetch(room, onBytes, signal) {
      try {
        const { members, sizeBytes } = await look(room, signal);
        const path = join(room.directory, 'fetched');
        const tell = (bytes: number): void => onBytes(bytes, sizeBytes);
        const digests = await fetchAll(place, members, path, tell, signal);
        const [only] = digests;
        const isFile = only?.path === '';
        const sha256 = isFile ? (`sha256:${only.hex}` as const) : digestOf(digests);
        return { path, sizeBytes, files: members.length, sha256, unchanged: async () => {} };
      } catch (error) {
        throw isMusterError(error, 'backup_changed') ? companionChanged(location, error) : error;
      }
    },
  };
}

/** By their paths in the companion; that of an object is empty. @throws `companion_missing`, `companion_unusable`, and what asking the storage throws. */
async function membersOf(place: S3Place, key: string, signal: AbortSignal): Promise<readonly Wanted[]> {
  const { location, root } = place;
  return await reading(location, async () => {
    const object = key === '' ? undefined : await objectOf(place, key, signal);
    const below: Wanted[] = [];
    for await (const page of listObjects(place.send, { bucket: place.bucket, prefix: root }, signal)) {
      // What ends so is nobody's file: some tools make it, to show a directory.
      const files = page.filter((one) => !one.key.endsWith('/'));
      below.push(...files.map((one) => ({ path: one.key.slice(root.length), object: one })));
      if (below.length > MOST_FILES) throw tooMany(location);
    }
    if (object === undefined && below.length === 0) throw missing(location);
    if (object === undefined) {
      requirePaths(below, location);
      return below;
    }
    if (below.length === 0) return [{ path: '', object }];
    throw unusable(location, 'there is an object of that name, and there are others below it');
  });
}

/** A list is by key ascending: of those that begin with a key, it is the first itself. */
async function objectOf(
  { send, bucket }: S3Place,
  key: string,
  signal: AbortSignal,
): Promise<S3Object | undefined> {
  for await (const [first] of listObjects(send, { bucket, prefix: key }, signal))
    return first?.key === key ? first : undefined;
  return undefined;
}

/** Keys may be what no file can be called. */
function requirePaths(members: readonly Wanted[], location: string): void {
  const files = new Set(members.map(({ path }) => path));
  for (const { path } of members) {
    requirePlainName(path, location);
    const steps = path.split('/');
    const isPath = steps.every((step) => !['', '.', '..'].includes(step) && !step.includes('\0'));
    if (!isPath) throw unusable(location, 'an object in it has a key that is no path of a file');
    if (steps.some((_, index) => index > 0 && files.has(steps.slice(0, index).join('/'))))
      throw unusable(location, 'there is an object in it of which the name is that of a directory too');
  }
}

async function fetchAll(
  place: S3Place,
  members: readonly Wanted[],
  into: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<readonly DigestedFile[]> {
  let bytes = 0;
  const digests: DigestedFile[] = [];
  const all = { ...place, root: '', location: `s3://${place.bucket}` };
  const fetchOne = async ({ path, object }: Wanted, stop: AbortSignal): Promise<void> => {
    const hash = createHash('sha256');
    const tell = (piece: Buffer): void => {
      hash.update(piece);
      bytes += piece.length;
      onBytes(bytes);
    };
    await fetchObject(all, object, join(into, path), tell, stop);
    digests.push({ path, hex: hash.digest('hex') });
  };
  await eachLimited(members, PARALLEL, fetchOne, signal);
  return digests;
}
