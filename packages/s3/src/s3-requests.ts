import { setTimeout as delay } from 'node:timers/promises';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { MusterError, orAborted, type S3Access, type SecretRef } from '@muster/core';
import { faultOf, type S3Fault, type S3Names } from './s3-fault.js';

type Sdk = typeof import('@aws-sdk/client-s3');

/** One request: what it asks, given the client, the SDK and the signal that ends it. */
type S3Request<T> = (client: S3Client, sdk: Sdk, signal: AbortSignal) => Promise<T>;

/** Sends one request, and again where that may help. @throws {@link S3Failure}, and what the credentials throw. */
export type S3Send = <T>(
  request: S3Request<T>,
  signal: AbortSignal,
  limit?: { readonly tries: number },
) => Promise<T>;

export interface S3Connection {
  /** Absent = that of AWS for the region. */
  readonly endpoint?: string | undefined;
  /** Absent = that of the AWS environment; with an endpoint `us-east-1`. */
  readonly region?: string | undefined;
  /** The bucket in the path of the URL. Absent = true with an endpoint. */
  readonly pathStyle?: boolean | undefined;
  /** Asked at the first request. Absent = the credential chain of AWS. */
  readonly credentials?: (() => Promise<S3Credentials>) | undefined;
  /** Whoever reads compares what is read with the checksum of the whole. Absent = the SDK does, in each answer. */
  readonly ownChecksums?: true;
}

interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How a configuration says it; each secret is resolved when the first request needs it. */
export function s3Connection(
  { credentials, ...place }: S3Access,
  resolve: (ref: SecretRef) => Promise<string>,
): S3Connection {
  return {
    ...place,
    credentials:
      credentials &&
      (async () => ({
        accessKeyId: await resolve(credentials.accessKeyId),
        secretAccessKey: await resolve(credentials.secretAccessKey),
      })),
  };
}

/** What messages call that which a person may have to correct. */
export type S3Called = Omit<S3Names, 'server'>;

/** Milliseconds. */
export interface S3Timing {
  /** For one try of one request. */
  readonly attempt: number;
  /** Waits between tries: there is one try more than waits. */
  readonly backoff: readonly number[];
}

/** Why a request failed for good. `fault.mayBeDone` if any of its tries may have been done. */
export class S3Failure extends Error {
  readonly fault: S3Fault;
  constructor(fault: S3Fault, cause: unknown) {
    super(fault.advice, { cause });
    this.fault = fault;
  }
}

/**
 * Sends requests and decides, in place of the SDK, which are tried again: what was lost on the way must not be hidden
 * from who writes once. The SDK is loaded with the first request (it takes 80 ms, and most commands need none).
 */
export function createS3Requests(connection: S3Connection, called: S3Called, timing: S3Timing): S3Send {
  const names = { ...called, server: connection.endpoint ?? 'S3' };
  let opened: Promise<{ client: S3Client; sdk: Sdk }> | undefined;
  const open = async () => {
    const sdk = await import('@aws-sdk/client-s3');
    return { sdk, client: new sdk.S3Client(clientConfig(connection)) };
  };

  const once = async <T>(request: S3Request<T>, signal: AbortSignal): Promise<T> => {
    opened ??= open();
    const { client, sdk } = await opened;
    const limit = AbortSignal.timeout(timing.attempt);
    const both = AbortSignal.any([signal, limit]);
    try {
      return await orAborted(request(client, sdk, both), both);
    } catch (error) {
      // However the SDK puts it that it was stopped.
      throw limit.aborted ? limit.reason : error;
    }
  };

  return async (request, signal, limit = { tries: timing.backoff.length + 1 }) => {
    let mayBeDone = false;
    for (const wait of [...timing.backoff.slice(0, limit.tries - 1), undefined]) {
      signal.throwIfAborted();
      try {
        return await once(request, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        // A secret that is not to be had says so itself.
        if (error instanceof MusterError) throw error;
        const fault = faultOf(error, names);
        mayBeDone ||= fault.mayBeDone;
        if (fault.kind !== 'again' || wait === undefined) throw new S3Failure({ ...fault, mayBeDone }, error);
      }
      await delay(wait, undefined, { signal }).catch(() => {});
    }
    throw new Error('unreachable: the last try returns or throws');
  };
}

function clientConfig(connection: S3Connection): S3ClientConfig {
  const { endpoint, region, pathStyle, credentials, ownChecksums } = connection;
  const named = region ?? (endpoint === undefined ? undefined : 'us-east-1');
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(named === undefined ? {} : { region: named }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
    ...(ownChecksums && { responseChecksumValidation: 'WHEN_REQUIRED' as const }),
    maxAttempts: 1,
    expectContinueHeader: false,
  };
}
