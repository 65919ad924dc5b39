import { createHash } from 'node:crypto';
import { addAbortSignal, Readable } from 'node:stream';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { MusterError, s3Location } from '@muster/core';
import {
  createS3Requests,
  NoS3Answer,
  type S3Connection,
  S3Failure,
  type S3Fault,
  type S3Timing,
  settingsUnder,
} from '@muster/s3';
import type { EvidenceStore } from './evidence-store.js';
import { probeS3 } from './s3-probe.js';
import { createS3Versions } from './s3-versions.js';
import { checkKey, isKey } from './store-key.js';

export interface S3StoreOptions extends S3Connection {
  readonly bucket: string;
  /** Without slashes around it; empty = the whole bucket. */
  readonly prefix: string;
  /** How long the storage itself is told to protect each object. Absent = as the bucket has it. */
  readonly objectLock?: { readonly mode: 'governance' | 'compliance'; readonly days: number } | undefined;
  readonly now: () => Date;
  /** Absent = 10 s for a try, and four of them. */
  readonly timing?: S3Timing | undefined;
}

/** Below a minute even where nothing answers: that is what a drill has for its last words. */
const TIMING: S3Timing = { attempt: 10_000, backoff: [200, 600, 1_800] };
const OPERATION_TRIES = 5;

const DAY_MS = 86_400_000;

const CALLED = {
  settings: settingsUnder('evidence.s3'),
  location: 'evidence.store',
  permissions: 'docs/evidence.md',
} as const;

/**
 * An evidence store in S3 or what speaks its protocol: Amazon's API of 2006-03-01 with conditional writes
 * (`If-None-Match: *`), without which nothing can be written once. Nothing is asked of it before the first call.
 *
 * Object Lock protects versions and not names, so of several versions of an object the oldest is the object, and one
 * behind a delete marker is still there.
 */
export function createS3Store(options: S3StoreOptions): EvidenceStore {
  const { bucket, prefix, objectLock } = options;
  const timing = options.timing ?? TIMING;
  const location = s3Location(options);
  const root = prefix === '' ? '' : `${prefix}/`;
  const server = options.endpoint ?? 'S3';
  const send = createS3Requests(options, CALLED, timing);
  const versions = createS3Versions(send, bucket);

  const put = async (key: string, bytes: Uint8Array, lock: LockHeaders, signal: AbortSignal) => {
    const input: PutObjectCommandInput = {
      Bucket: bucket,
      Key: root + key,
      Body: bytes,
      IfNoneMatch: '*',
      ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
      ContentType: 'application/json',
      ...lock,
    };
    return await send(async (client, sdk, abortSignal) => {
      const { ETag, VersionId } = await client.send(new sdk.PutObjectCommand(input), { abortSignal });
      if (ETag === undefined) throw new NoS3Answer();
      return VersionId;
    }, signal);
  };

  /** The bytes of the oldest version; undefined where there is none. */
  const read = async (key: string, signal: AbortSignal): Promise<Uint8Array | undefined> => {
    const version = await versions.oldest(root + key, signal);
    if (version === undefined) return undefined;
    const input = { Bucket: bucket, Key: root + key, ...(version.id && { VersionId: version.id }) };
    const answer = await send(async (client, sdk, abortSignal) => {
      const { Body, VersionId } = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
      if (Body instanceof Readable) addAbortSignal(abortSignal, Body);
      return { id: VersionId ?? 'null', bytes: await Body?.transformToByteArray() };
    }, signal).catch((error: unknown) => {
      if (error instanceof S3Failure && error.fault.kind === 'absent') return undefined;
      throw error;
    });
    // A second version came between the two questions: now they can be told apart.
    if (version.id === undefined && answer !== undefined && answer.id !== 'null') return read(key, signal);
    return answer && (answer.bytes ?? new Uint8Array());
  };

  const cannot = (verb: string, { fault, cause }: S3Failure): MusterError =>
    new MusterError(
      'evidence_unwritable',
      `The evidence store ${location} cannot be ${verb}: ${adviceFor(verb, fault)}.`,
      { cause },
    );

  const unknown = (key: string, { fault, cause }: S3Failure): MusterError =>
    new MusterError(
      'evidence_unwritable',
      `It is not known whether ${key} was stored in ${location}: ${fault.advice}.`,
      { cause },
    );

  /** Bounds a whole operation, and puts its failure into words. */
  const operation = async <T>(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
    failed: (failure: S3Failure) => MusterError,
  ): Promise<T> => {
    signal.throwIfAborted();
    const limit = AbortSignal.timeout(timing.attempt * OPERATION_TRIES);
    try {
      return await work(AbortSignal.any([signal, limit]));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (limit.aborted && error === limit.reason) throw failed(tooSlow(server, error));
      throw error instanceof S3Failure ? failed(error) : error;
    }
  };
  const reading = <T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    operation(signal, work, (failure) => cannot('read', failure));

  /** A delete marker makes room for a second version, which is not the object. */
  const isFirst = async (key: string, version: string | undefined, signal: AbortSignal): Promise<boolean> => {
    if (version === undefined) return true;
    const oldest = await versions.oldest(root + key, signal).catch((error: unknown) => {
      throw error instanceof S3Failure ? unknown(key, error) : error;
    });
    return oldest?.id === undefined || oldest.id === version;
  };

  /** Where the answer to a write was lost or says too little, the object itself tells whose it is. */
  const decide = async (
    key: string,
    bytes: Uint8Array,
    failure: S3Failure,
    signal: AbortSignal,
  ): Promise<'stored' | 'exists'> => {
    const { kind, mayBeDone } = failure.fault;
    if (kind === 'taken' && !mayBeDone) return 'exists';
    if (kind === 'refused' || kind === 'credentials' || kind === 'unsupported') throw failure;
    const there = await read(key, signal).catch((error: unknown) => {
      if (mayBeDone && error instanceof S3Failure) throw unknown(key, error);
      throw failure;
    });
    if (there === undefined) throw failure;
    return mayBeDone && Buffer.from(there).equals(bytes) ? 'stored' : 'exists';
  };

  return {
    location,

    putOnce: (key, bytes, signal) =>
      operation(
        signal,
        async (bounded) => {
          checkKey(key);
          let version: string | undefined;
          try {
            version = await put(key, bytes, lockHeaders(objectLock, options.now()), bounded);
          } catch (error) {
            if (!(error instanceof S3Failure)) throw error;
            return await decide(key, bytes, error, bounded);
          }
          return (await isFirst(key, version, bounded)) ? 'stored' : 'exists';
        },
        (failure) => (failure.fault.mayBeDone ? unknown(key, failure) : cannot('written', failure)),
      ),

    get: (key, signal) =>
      reading(signal, async (bounded) => {
        const bytes = await read(checkKey(key), bounded);
        if (bytes !== undefined) return bytes;
        throw new MusterError('evidence_not_found', `The evidence store ${location} has no ${key}.`);
      }),

    async *list(keyPrefix, signal) {
      const pages = versions.pages(root + keyPrefix, signal);
      let last: string | undefined;
      for (;;) {
        // Each page is an operation of its own: a large store may take its time, a silent one may not.
        const page = await reading(signal, () => pages.next());
        if (page.done === true) return;
        for (const { key: full } of page.value) {
          const key = full.slice(root.length);
          if (key !== last && isKey(key)) yield key;
          last = key;
        }
      }
    },

    probe: (signal) =>
      operation(
        signal,
        (bounded) => probeS3({ send, put, versions, bucket, root, locks: objectLock !== undefined }, bounded),
        (failure) => cannot('written', failure),
      ),
  };
}

type LockHeaders = Pick<PutObjectCommandInput, 'ObjectLockMode' | 'ObjectLockRetainUntilDate'>;

function lockHeaders(lock: S3StoreOptions['objectLock'], now: Date): LockHeaders {
  if (lock === undefined) return {};
  return {
    ObjectLockMode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(now.getTime() + lock.days * DAY_MS),
  };
}

function adviceFor(verb: string, { kind, advice }: S3Fault): string {
  return verb === 'written' && kind === 'unsupported'
    ? `${advice}. Without conditional writes (If-None-Match) nothing can be written once: choose another server`
    : advice;
}

function tooSlow(server: string, cause: unknown): S3Failure {
  return new S3Failure(
    { kind: 'again', mayBeDone: true, advice: `${server} answers too slowly: see to it` },
    cause,
  );
}
