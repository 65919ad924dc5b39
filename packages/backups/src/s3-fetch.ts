import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { S3Object } from '@muster/s3';
import { onDisk } from './on-disk.js';
import type { S3Place } from './s3-place.js';
import { readWhole } from './s3-stored.js';

/**
 * One object into a file, which is made, as are the directories that it lies in. `tell` is given each piece of it.
 * @throws the reasons of a drill.
 */
export async function fetchObject(
  place: S3Place,
  object: S3Object,
  path: string,
  tell: (piece: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  const what = `${place.location}/${object.key.slice(place.root.length)}`;
  await onDisk(() => mkdir(dirname(path), { recursive: true }));
  const file = await onDisk(() => open(path, 'wx', 0o644));
  try {
    const { bytes, end } = readWhole(place, { ...object, bucket: place.bucket }, what, signal);
    for await (const chunk of bytes) {
      await onDisk(() => file.writeFile(chunk));
      tell(chunk);
    }
    const fault = await end();
    if (fault !== undefined) throw fault;
  } finally {
    await file.close();
  }
}
