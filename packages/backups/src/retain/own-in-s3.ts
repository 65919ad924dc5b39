import { MusterError, RECORD_SUFFIX } from '@muster/core';
import { listObjects, type S3Connection, S3Failure, type S3Object } from '@muster/s3';
import { reading, type S3Bounds, type S3Place, s3Place } from '../s3-place.js';
import {
  goingName,
  newPrune,
  type OwnBackups,
  provesOwn,
  readHiddenName,
  retiredName,
} from './own-backups.js';
import { recordInS3 } from './read-record.js';

export interface OwnInS3Options {
  readonly bucket: string;
  /** Without slashes around it; empty = the whole bucket. */
  readonly prefix: string;
  readonly connection: S3Connection;
  readonly bounds?: S3Bounds | undefined;
}

/**
 * The backups of Muster below one prefix, for one prune. Nothing is renamed there: a small object beside a backup takes it out of
 * listings. Of versioned buckets the newest version goes, and what the bucket keeps of the others is its own matter.
 * @param prune - which it is, of those that may run at once.
 */
export function ownInS3({ connection, bounds, ...where }: OwnInS3Options, prune = newPrune()): OwnBackups {
  const place = s3Place(where, connection, bounds);
  const { bucket, root, send } = place;
  const below = async (prefix: string, signal: AbortSignal): Promise<readonly S3Object[]> =>
    await reading(place.location, async () =>
      (await Array.fromAsync(listObjects(send, { bucket, prefix: `${root}${prefix}` }, signal))).flat(),
    );
  const one = async (name: string, signal: AbortSignal): Promise<S3Object | undefined> =>
    (await below(name, signal)).find(({ key }) => key === `${root}${name}`);
  const put = (name: string, signal: AbortSignal): Promise<unknown> =>
    writing(place, name, () =>
      send(
        (client, sdk, abortSignal) =>
          client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: `${root}${name}`, Body: 'out' }), {
            abortSignal,
          }),
        signal,
      ),
    );
  const erase = (key: string, signal: AbortSignal): Promise<unknown> =>
    writing(place, key.slice(root.length), () =>
      send(
        (client, sdk, abortSignal) =>
          client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }),
        signal,
      ),
    );

  /** An object of that name, or else what lies below it. `until`: what came later is another backup. */
  const objectsOf = async (id: string, until: Date, signal: AbortSignal): Promise<readonly S3Object[]> => {
    const single = await one(id, signal);
    const members = single === undefined ? await below(`${id}/`, signal) : [single];
    return members.every(({ modified }) => modified <= until) ? members : [];
  };
  const eraseAll = async (id: string, until: Date, signal: AbortSignal): Promise<void> => {
    const objects = await objectsOf(id, until, signal);
    for (const { key } of objects) await erase(key, signal);
    if (objects.length > 0 || (await objectsOf(id, FOREVER, signal)).length === 0)
      await erase(`${root}${id}${RECORD_SUFFIX}`, signal);
    for (const { key } of await below(`.${id}.`, signal))
      if (readHiddenName(key.slice(root.length))?.id === id) await erase(key, signal);
  };

  const recordOf = async (id: string, signal: AbortSignal): ReturnType<OwnBackups['recordOf']> => {
    const listed = await one(`${id}${RECORD_SUFFIX}`, signal);
    return listed && (await recordInS3(place, listed, signal));
  };
  /** The record goes last: whatever is there without one was never Muster's, whoever marked it. */
  const mayGo = async (id: string, signal: AbortSignal): Promise<boolean> => {
    if ((await objectsOf(id, FOREVER, signal)).length === 0) return true;
    return provesOwn(await recordOf(id, signal), id);
  };

  return {
    recordOf,

    digestOf: async () => undefined,

    async retire(id, signal) {
      if ((await objectsOf(id, FOREVER, signal)).length === 0) return false;
      await put(retiredName(id, prune), signal);
      return true;
    },

    bringBack: async (id, signal) => void (await erase(`${root}${retiredName(id, prune)}`, signal)),

    async remove(id, signal) {
      if ((await one(retiredName(id, prune), signal)) === undefined) return false;
      await put(goingName(id), signal);
      await eraseAll(id, FOREVER, signal);
      return true;
    },

    async settle(signal) {
      const broughtBack = new Set<string>();
      const removed: string[] = [];
      const hidden = (await below('.', signal)).flatMap(({ key, modified }) => {
        const name = readHiddenName(key.slice(root.length));
        return name === undefined ? [] : [{ ...name, key, modified }];
      });
      const going = new Set(hidden.flatMap(({ id, state }) => (state === 'going' ? [id] : [])));
      for (const { id, state, key, modified } of hidden) {
        if (state === 'going' && (await mayGo(id, signal))) {
          await eraseAll(id, modified, signal);
          removed.push(id);
        } else if (state === 'going' || !going.has(id)) {
          await erase(key, signal);
          broughtBack.add(id);
        }
      }
      return { broughtBack: [...broughtBack], removed };
    },
  };
}

const FOREVER = new Date(8.64e15);

/** @throws `take_unwritable`, `credentials_refused`, what the credentials throw. */
async function writing<T>(place: S3Place, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof S3Failure)) throw error;
    const { kind, advice } = error.fault;
    throw new MusterError(
      kind === 'denied' || kind === 'credentials' ? 'credentials_refused' : 'take_unwritable',
      `${place.location}/${name} could not be removed: ${advice}.`,
      { cause: error },
    );
  }
}
