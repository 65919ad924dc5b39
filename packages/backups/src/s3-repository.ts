import { dirname } from 'node:path/posix';
import { MusterError, RECORD_SUFFIX } from '@muster/core';
import { listObjects, type S3Connection, type S3Object } from '@muster/s3';
import type { AgeKeys } from './age.js';
import { type BackupReader, type Candidate, describeBackups, PARALLEL } from './describe-backups.js';
import { encryptionOf, flowOf, type Stored } from './flow.js';
import type { Look } from './growing.js';
import { mapLimited } from './map-limited.js';
import { namesBeside, namesOfBackups } from './names.js';
import { isPartOfDump, noDirectoryOfBackups } from './no-directory-of-backups.js';
import type { BackupRepository } from './repository.js';
import { readHiddenName } from './retain/own-backups.js';
import { recordInS3 } from './retain/read-record.js';
import { remoteDirectory } from './s3-directory.js';
import { reading, type S3Bounds, type S3Place, s3Place } from './s3-place.js';
import { storedObject } from './s3-stored.js';

export interface S3RepositoryOptions {
  readonly bucket: string;
  /** Without slashes around it; empty = the whole bucket. */
  readonly prefix: string;
  readonly connection: S3Connection;
  /** A glob over names below the prefix; absent = every format the engine reads. */
  readonly match: string | undefined;
  /** The zone of times in headers and names that do not say theirs (IANA). Absent = UTC. */
  readonly zone?: string | undefined;
  readonly engine: BackupReader;
  /** Asked when an object is opened that is encrypted. Absent = none is. */
  readonly keys?: (() => Promise<AgeKeys>) | undefined;
  readonly bounds?: S3Bounds | undefined;
}

/** More would take longer to list than a backup may take to be found. */
const MOST_OBJECTS = 200_000;

/** So many of the newest have their heads looked at; what is older is known by its name and time. */
const MOST_HEADS = 1_000;

/**
 * The backups under one prefix of object storage: objects, and what has a slash in its name as directories, those that are
 * dumps. Nothing is asked before the first call.
 */
export function createS3Repository(options: S3RepositoryOptions): BackupRepository {
  const place = s3Place(options, options.connection, options.bounds);
  return {
    location: place.location,
    list: (signal) =>
      reading(place.location, async () => {
        const { objects, directories } = await entriesIn(place, signal);
        const names = [...objects.keys(), ...directories.keys()];
        const wanted = new Set(namesOfBackups(names, options.match, place.location));
        const beside = new Set(namesBeside([...objects.keys()], [...wanted], options.engine.isGlobalsName));
        requireBackups(options, place, { objects, directories }, wanted);
        const single = [...objects]
          .filter(([name]) => wanted.has(name) || beside.has(name))
          .toSorted(([, a], [, b]) => b.modified.getTime() - a.modified.getTime());
        const found = await mapLimited([...single.entries()], PARALLEL, ([index, [name, object]]) =>
          candidateOf(storedObject(place, name, object, objects), object, index >= MOST_HEADS),
        );
        const several = [...directories]
          .filter(([name, { files }]) => wanted.has(name) && isDump(options, files))
          .map(([name, look]) => ({
            location: `${place.location}/${name}`,
            artefact: remoteDirectory(place, name, look.sizeBytes),
            look,
            ...recordOf(name),
          }));
        return describeBackups(options.engine, [...found, ...several], options.zone, signal);

        function recordOf(name: string): Pick<Candidate, 'record'> {
          const object = objects.get(`${name}${RECORD_SUFFIX}`);
          return object === undefined ? {} : { record: (stop) => recordInS3(place, object, stop) };
        }

        async function candidateOf(stored: Stored, object: S3Object, old: boolean): Promise<Candidate> {
          const candidate = {
            ...(beside.has(stored.name) && { beside: true as const }),
            location: `${place.location}/${stored.name}`,
            artefact: flowOf(stored, options.keys),
            look: { sizeBytes: object.sizeBytes, mtime: object.modified },
            ...recordOf(stored.name),
          };
          const dear = old || (options.keys !== undefined && (await needsPassphrase(stored, signal)));
          return dear ? { ...candidate, unseen: true } : candidate;
        }
      }),
  };
}

/** What cannot be read is told when it is looked at, or drilled. */
const needsPassphrase = async (stored: Stored, signal: AbortSignal): Promise<boolean> =>
  (await encryptionOf(stored, signal).catch(() => 'none')) === 'passphrase';

/** What is itself a dump has parts that would pass for backups. @throws `backup_unreadable` */
function requireBackups(
  { engine }: S3RepositoryOptions,
  { bucket, root, location }: S3Place,
  { objects, directories }: Entries,
  wanted: ReadonlySet<string>,
): void {
  const part = [...directories].find(
    ([name, { files }]) => wanted.has(name) && isPartOfDump(engine, [name], files),
  )?.[0];
  if (part === undefined && !engine.isDirectoryDump([...objects.keys()])) return;
  const holder = root === '' ? undefined : dirname(`s3://${bucket}/${root}`);
  throw noDirectoryOfBackups(location, { holder, part });
}

const isDump = ({ engine, match }: S3RepositoryOptions, files: readonly string[]): boolean =>
  match !== undefined || engine.isDirectoryDump(files);

interface Several extends Look {
  /** Paths of the files that are no deeper than any dump goes. */
  readonly files: readonly string[];
}

/** What lies directly below the root: objects, and names that objects lie below. */
interface Entries {
  readonly objects: ReadonlyMap<string, S3Object>;
  readonly directories: ReadonlyMap<string, Several>;
}

async function entriesIn(place: S3Place, signal: AbortSignal): Promise<Entries> {
  const objects = new Map<string, S3Object>();
  const directories = new Map<string, Several>();
  const pages = listObjects(place.send, { bucket: place.bucket, prefix: place.root }, signal);
  let count = 0;
  for await (const page of pages) {
    count += page.length;
    if (count > MOST_OBJECTS) throw tooMany(place);
    for (const object of page) {
      const path = object.key.slice(place.root.length);
      // What ends so is nobody's file: some tools make it, to show a directory.
      if (path === '' || path.endsWith('/')) continue;
      const [name = '', ...below] = path.split('/');
      if (below.length === 0) objects.set(name, object);
      else directories.set(name, withMember(directories.get(name), object, below));
    }
  }
  // What retention has taken out is there until it is removed, or brought back.
  for (const name of objects.keys()) {
    const hidden = readHiddenName(name);
    if (hidden === undefined) continue;
    objects.delete(hidden.id);
    directories.delete(hidden.id);
  }
  return { objects, directories };
}

const DEEPEST = 2;

function withMember(directory: Several | undefined, object: S3Object, path: readonly string[]): Several {
  const files = (directory?.files ?? []) as string[];
  if (path.length <= DEEPEST) files.push(path.join('/'));
  const mtime =
    directory === undefined || directory.mtime < object.modified ? object.modified : directory.mtime;
  return { files, mtime, sizeBytes: (directory?.sizeBytes ?? 0) + object.sizeBytes };
}

const tooMany = ({ location }: S3Place): MusterError =>
  new MusterError(
    'backup_unreadable',
    `There are more than ${MOST_OBJECTS} objects in ${location}: let backup.location of the source name a prefix that has fewer.`,
  );
