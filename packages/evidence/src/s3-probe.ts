import { randomUUID } from 'node:crypto';
import { S3Failure, type S3Send } from '@muster/s3';
import type { S3Versions } from './s3-versions.js';

/** No key of a store begins with a dot, so nobody takes it for evidence. */
const PROBE = '.muster-probe';
const CONTENT = Buffer.from('muster\n');

export interface S3Probed {
  readonly send: S3Send;
  /** Writes unless it exists. */
  put(
    key: string,
    bytes: Uint8Array,
    lock: Readonly<Record<string, never>>,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  readonly versions: S3Versions;
  readonly bucket: string;
  /** Of all keys; empty or with a slash at its end. */
  readonly root: string;
  /** Whether objects are to be written with Object Lock. */
  readonly locks: boolean;
}

/**
 * Proves that an object can be written once, and its versions be read. What it writes is always the same object, and
 * not locked by itself: it is deleted again, or where that is not allowed stands there once and for all, and serves
 * the next probe.
 * @throws {@link S3Failure}
 */
export async function probeS3(probed: S3Probed, signal: AbortSignal): Promise<void> {
  if (probed.locks) await probeLock(probed, signal);
  const first = await write(probed, signal);
  if (first === 'taken') return void (await probed.versions.oldest(probed.root + PROBE, signal));
  const second = await write(probed, signal);
  try {
    if (second !== 'taken') throw notOnce();
    await probed.versions.oldest(probed.root + PROBE, signal);
  } finally {
    await remove(probed, first.version, signal);
    if (second !== 'taken' && second.version !== first.version) await remove(probed, second.version, signal);
  }
}

async function write(
  probed: S3Probed,
  signal: AbortSignal,
): Promise<'taken' | { readonly version: string | undefined }> {
  try {
    return { version: await probed.put(PROBE, CONTENT, {}, signal) };
  } catch (error) {
    if (!(error instanceof S3Failure)) throw error;
    if (error.fault.kind === 'taken') return 'taken';
    // A locked object without versions is defended before its condition is looked at.
    if (error.fault.kind === 'denied' && (await mayWrite(probed, signal))) return 'taken';
    throw error;
  }
}

/** Whether a write is allowed, by one whose condition cannot hold, to a key that is not there. */
async function mayWrite({ send, versions, bucket, root }: S3Probed, signal: AbortSignal): Promise<boolean> {
  if ((await versions.oldest(root + PROBE, signal)) === undefined) return false;
  const input = { Bucket: bucket, Key: `${root}${PROBE}-${randomUUID()}`, Body: CONTENT, IfMatch: '"0"' };
  try {
    await send(
      (client, sdk, abortSignal) => client.send(new sdk.PutObjectCommand(input), { abortSignal }),
      signal,
    );
    throw notOnce();
  } catch (error) {
    if (error instanceof S3Failure && ['absent', 'taken'].includes(error.fault.kind)) return true;
    throw error;
  }
}

async function remove(
  { send, bucket, root }: S3Probed,
  version: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const input = { Bucket: bucket, Key: root + PROBE, ...(version && { VersionId: version }) };
  // Once and no more: a second try could meet the object of another process. Who may not delete need not.
  const once = { tries: 1 };
  await send(
    (client, sdk, abortSignal) => client.send(new sdk.DeleteObjectCommand(input), { abortSignal }),
    signal,
    once,
  ).catch(() => {});
}

async function probeLock({ send, bucket }: S3Probed, signal: AbortSignal): Promise<void> {
  try {
    const { ObjectLockConfiguration: lock } = await send(
      (client, sdk, abortSignal) =>
        client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket: bucket }), { abortSignal }),
      signal,
    );
    if (lock?.ObjectLockEnabled === 'Enabled') return;
  } catch (error) {
    if (!(error instanceof S3Failure)) throw error;
    // Who may write with a lock need not be allowed to look at it.
    if (error.fault.kind === 'denied') return;
    if (error.fault.kind !== 'unsupported' && !/Object Lock/.test(error.message)) throw error;
  }
  const advice =
    'its bucket has no Object Lock: enable it there, or take object_lock out of the configuration';
  throw new S3Failure({ kind: 'refused', mayBeDone: false, advice }, undefined);
}

function notOnce(): S3Failure {
  const advice =
    'the server takes no notice of conditional writes (If-None-Match) and overwrites what is there: choose another';
  return new S3Failure({ kind: 'refused', mayBeDone: false, advice }, undefined);
}
