import { errnoOf } from '@muster/core';

/** What an error of S3 means for what was asked of it. */
export interface S3Fault {
  /**
   * - `taken`: the condition of a write did not hold, so the object is there
   * - `absent`: no such object
   * - `again`: another try may go better
   * - `denied`: not with these credentials, or not with this object
   * - `credentials`: they are wrong, unknown, expired, or there are none
   * - `unsupported`: the server does not know this
   * - `refused`: it will never go
   */
  readonly kind: 'taken' | 'absent' | 'again' | 'denied' | 'credentials' | 'unsupported' | 'refused';
  /** The server may have done what was asked, and only its answer was lost. */
  readonly mayBeDone: boolean;
  /** What happened and what to do, as the end of a sentence: nothing that the server wrote but its code. */
  readonly advice: string;
}

/** What messages call that which a person may have to correct. */
export interface S3Names {
  /** The address, without credentials. */
  readonly server: string;
  /** The keys of the configuration. */
  readonly settings: S3Settings;
  /** The key of the configuration that names the bucket. */
  readonly location: string;
  /** The page that says which permissions are needed. */
  readonly permissions: string;
}

/** What a person may have to correct, as they write it. */
export interface S3Settings {
  readonly endpoint: string;
  readonly region: string;
  /** Both halves. */
  readonly credentials: string;
}

/** Those of an `s3:` in a configuration of Muster. */
export const settingsUnder = (key: string): S3Settings => ({
  endpoint: `${key}.endpoint`,
  region: `${key}.region`,
  credentials: `${key}.access_key_id and secret_access_key`,
});

export function faultOf(error: unknown, names: S3Names): S3Fault {
  const { server } = names;
  const code = codeOf(error);
  const status = statusOf(error);
  const named = Object.hasOwn(NAMED, code) ? NAMED[code] : undefined;
  if (named !== undefined) return { ...named, mayBeDone: false, advice: named.advice(names) };
  if (status === undefined) return withoutAnswer(error, code, names);
  const answered = `${server} answered ${status}${/^[A-Za-z0-9.]{1,64}$/.test(code) ? ` ${code}` : ''}`;
  if (status === 404) return { kind: 'absent', mayBeDone: false, advice: answered };
  if (status === 412) return { kind: 'taken', mayBeDone: false, advice: answered };
  if (status === 403)
    return { kind: 'denied', mayBeDone: false, advice: `${answered}: give these credentials the permission` };
  if (status === 501 || status === 405)
    return { kind: 'unsupported', mayBeDone: false, advice: `${answered}: it cannot do that` };
  if (status === 409) return { kind: 'again', mayBeDone: false, advice: `${answered}, again and again` };
  if (status === 429)
    return { kind: 'again', mayBeDone: false, advice: `${answered}: it has too much to do` };
  if (status >= 500) return { kind: 'again', mayBeDone: true, advice: `${answered}: see to the server` };
  return { kind: 'refused', mayBeDone: false, advice: `${answered}: see to the server, or choose another` };
}

interface NamedFault {
  readonly kind: S3Fault['kind'];
  readonly advice: (names: S3Names) => string;
}

const named = (kind: S3Fault['kind'], advice: string | NamedFault['advice']): NamedFault => ({
  kind,
  advice: typeof advice === 'string' ? () => advice : advice,
});

const WRONG_REGION = named(
  'refused',
  ({ settings }) => `the bucket is in another region: write its region into ${settings.region}`,
);
const UNKNOWN_CREDENTIALS = named(
  'credentials',
  ({ server }) => `${server} does not know the access key: correct the credentials`,
);
const EXPIRED = named('credentials', 'the credentials have expired: renew them');
const DAMAGED = named('again', ({ server }) => `what was sent did not arrive whole at ${server}`);
const NO_ADDRESS = named(
  'again',
  ({ server, settings }) => `there is no address for ${server}: check ${settings.endpoint}`,
);

/** By the code of S3, of Node, or the name of the SDK's error. */
const NAMED: Readonly<Record<string, NamedFault>> = {
  NoSuchBucket: named(
    'refused',
    ({ location }) => `there is no such bucket: create it, or correct ${location}`,
  ),
  InvalidBucketName: named(
    'refused',
    ({ location }) => `the server allows no such bucket name: correct ${location}`,
  ),
  AccessDenied: named(
    'denied',
    ({ permissions }) => `access was denied: give these credentials the permissions of ${permissions}`,
  ),
  SignatureDoesNotMatch: named('credentials', 'the secret access key is wrong: correct the credentials'),
  InvalidAccessKeyId: UNKNOWN_CREDENTIALS,
  XAdminUserNotFound: UNKNOWN_CREDENTIALS,
  InvalidToken: EXPIRED,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  CredentialsProviderError: named(
    'credentials',
    ({ settings }) =>
      `there are no credentials: set ${settings.credentials}, or those of the AWS environment`,
  ),
  RequestTimeTooSkewed: named(
    'refused',
    ({ server }) => `the clocks of this machine and of ${server} differ too much: set them (NTP)`,
  ),
  PermanentRedirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
  RequestTimeout: named('again', ({ server }) => `${server} waited in vain for what was sent`),
  BadDigest: DAMAGED,
  XAmzContentChecksumMismatch: DAMAGED,
  InvalidObjectState: named(
    'denied',
    'the object is in an archive storage class: restore it from there first (RestoreObject)',
  ),
  ObjectLockConfigurationNotFoundError: named('refused', 'the bucket has no Object Lock'),
  // Node, before anything was sent.
  ECONNREFUSED: named(
    'again',
    ({ server }) => `nothing listens at ${server}: start it, or correct the endpoint`,
  ),
  EHOSTUNREACH: NO_ADDRESS,
  ENETUNREACH: NO_ADDRESS,
  ENOTFOUND: NO_ADDRESS,
  EAI_AGAIN: NO_ADDRESS,
};

function withoutAnswer(error: unknown, code: string, { server, settings }: S3Names): S3Fault {
  const message = error instanceof Error ? error.message : '';
  if (message === 'Region is missing') {
    const advice = `no region is named: write ${settings.region}, or set AWS_REGION`;
    return { kind: 'refused', mayBeDone: false, advice };
  }
  if (TLS.test(code)) {
    const advice =
      `there is no trusted TLS connection to ${server} (${code}): correct the endpoint or its certificate, ` +
      'or name the authority that issued it in NODE_EXTRA_CA_CERTS';
    return { kind: 'refused', mayBeDone: false, advice };
  }
  if (error instanceof NoS3Answer) {
    const advice = `what answers at ${server} is no S3: correct ${settings.endpoint}`;
    return { kind: 'again', mayBeDone: true, advice };
  }
  if (code === 'TimeoutError') {
    return { kind: 'again', mayBeDone: true, advice: `${server} did not answer in time: see to it` };
  }
  const what = code === '' ? 'for an unknown reason' : `(${code})`;
  return { kind: 'again', mayBeDone: true, advice: `the connection to ${server} failed ${what}: see to it` };
}

const TLS = /CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|LEAF_SIGNATURE|ISSUER/;

/** Something that is no S3 said that all is well: nothing is known. */
export class NoS3Answer extends Error {
  override readonly name = 'NoS3Answer';
}

function codeOf(error: unknown): string {
  const code = errnoOf(error);
  if (code !== undefined) return code;
  return error instanceof Error && error.name !== 'Error' ? error.name : '';
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error && '$metadata' in error)) return undefined;
  const metadata = error.$metadata as { readonly httpStatusCode?: number };
  return metadata.httpStatusCode;
}
