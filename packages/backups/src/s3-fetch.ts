import { chmod, mkdir, open, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MusterError } from '@muster/core';
import type { S3Object } from '@muster/s3';
import { eachLimited } from './each-limited.js';
import { onDisk } from './on-disk.js';
import type { S3Place } from './s3-place.js';
import { readWhole } from './s3-stored.js';

/** Objects fetched at once. */
export const PARALLEL = 8;

/** Whatever the umask is: who reads what is fetched is another user, inside of a scratch. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** An object, and its path in the directory that it comes into. */
export interface Wanted {
  readonly object: S3Object;
  readonly path: string;
}

/**
 * Objects into a directory. `tell` is given each piece of them. Where one fails, the others have stopped when this rejects.
 * @throws the reasons of a drill.
 */
export async function fetchObjects(
  place: S3Place,
  wanted: readonly Wanted[],
  into: string,
  tell: (piece: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  const fetchOne = ({ object, path }: Wanted, stop: AbortSignal): Promise<void> =>
    fetchObject(place, object, join(into, path), tell, stop);
  await eachLimited(wanted, PARALLEL, fetchOne, signal);
}

/**
 * One object into a file, which is made, as are the directories that it lies in: all may read them, and its time is that of
 * the object. `tell` is given each piece of it. @throws the reasons of a drill.
 */
export async function fetchObject(
  place: S3Place,
  object: S3Object,
  path: string,
  tell: (piece: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  const what = `${place.location}/${object.key.slice(place.root.length)}`;
  await makeDirectory(dirname(path));
  const file = await onDisk(() => open(path, 'wx', FILE_MODE));
  try {
    const { bytes, end } = readWhole(place, { ...object, bucket: place.bucket }, what, signal);
    for await (const chunk of bytes) {
      await onDisk(() => file.writeFile(chunk));
      tell(chunk);
    }
    const fault = await end();
    if (fault !== undefined) throw fault;
    await onDisk(() => file.chmod(FILE_MODE));
    await onDisk(() => file.utimes(object.modified, object.modified));
  } finally {
    await file.close();
  }
}

/** With those that it lies in. @throws as `onDisk`. */
export async function makeDirectory(path: string): Promise<void> {
  await onDisk(async () => {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made))
      await chmod(made, DIRECTORY_MODE);
  });
}

/** Whether so many bytes may come onto this machine. @throws `scratch_disk_full` */
export async function requireRoom(directory: string, totalBytes: number, mostBytes: number): Promise<void> {
  if (totalBytes > mostBytes) {
    throw new MusterError(
      'scratch_disk_full',
      `For the backup ${totalBytes} bytes must be fetched, and the scratch may have ${mostBytes}: raise scratch.disk of the source.`,
    );
  }
  const { bavail, bsize } = await onDisk(() => statfs(directory));
  if (totalBytes <= bavail * bsize) return;
  throw new MusterError(
    'scratch_disk_full',
    `For the backup ${totalBytes} bytes must be fetched, and the worker has no room for them: free some in its state directory.`,
  );
}

/** A key may hold what is a way out of the directory, or names no file can have. @param what - the backup. */
export function safePath(path: string, what: string): string {
  const steps = path.split('/');
  const isSafe = steps.every((step) => step !== '' && step !== '.' && step !== '..' && !step.includes('\0'));
  if (isSafe) return path;
  throw new MusterError(
    'not_a_dump',
    `${what} has an object whose key is no path of a file in it: no tool that backs up writes such.`,
  );
}
