import { S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { faultOf, NoS3Answer, settingsUnder } from './s3-fault.js';

const NAMES = {
  server: 'https://s3.example.org',
  settings: settingsUnder('evidence.s3'),
  location: 'evidence.store',
  permissions: 'docs/evidence.md',
};

/** As the SDK makes it of an answer. */
const answered = (httpStatusCode: number, name: string): S3ServiceException =>
  new S3ServiceException({
    name,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode },
    message: 'AKIASECRET signed this',
  });
const thrown = (code: string): Error => Object.assign(new Error('AKIASECRET on the way'), { code });
const named = (name: string): Error => Object.assign(new Error('AKIASECRET on the way'), { name });

describe('a fault of S3', () => {
  it.each([
    [answered(412, 'PreconditionFailed'), 'taken', false, /412/],
    [answered(409, 'ConditionalRequestConflict'), 'again', false, /409/],
    [answered(404, 'NoSuchKey'), 'absent', false, /404/],
    [
      answered(404, 'NoSuchBucket'),
      'refused',
      false,
      /no such bucket: create it, or correct evidence\.store/,
    ],
    [
      answered(403, 'AccessDenied'),
      'denied',
      false,
      /access was denied: give .* permissions of docs\/evidence\.md/,
    ],
    [answered(403, 'InvalidObjectState'), 'denied', false, /archive storage class: restore it/],
    [answered(403, 'Unknown'), 'denied', false, /403/],
    [answered(403, 'SignatureDoesNotMatch'), 'credentials', false, /secret access key is wrong/],
    [answered(403, 'InvalidAccessKeyId'), 'credentials', false, /does not know the access key/],
    [answered(404, 'XAdminUserNotFound'), 'credentials', false, /does not know the access key/],
    [answered(400, 'ExpiredToken'), 'credentials', false, /expired: renew/],
    [answered(403, 'RequestTimeTooSkewed'), 'refused', false, /clocks .* set them/],
    [answered(301, 'PermanentRedirect'), 'refused', false, /another region.*evidence\.s3\.region/],
    [answered(400, 'AuthorizationHeaderMalformed'), 'refused', false, /another region/],
    [answered(400, 'RequestTimeout'), 'again', false, /waited in vain/],
    [answered(400, 'BadDigest'), 'again', false, /did not arrive whole/],
    [answered(400, 'InvalidArgument'), 'refused', false, /answered 400 InvalidArgument/],
    [answered(501, 'NotImplemented'), 'unsupported', false, /cannot do that/],
    [answered(405, 'MethodNotAllowed'), 'unsupported', false, /cannot do that/],
    [answered(429, 'TooManyRequests'), 'again', false, /too much/],
    [answered(500, 'InternalError'), 'again', true, /answered 500 InternalError/],
    [answered(503, 'SlowDown'), 'again', true, /answered 503 SlowDown/],
    [answered(500, 'constructor'), 'again', true, /answered 500 constructor:/],
    [answered(500, '\u001b[2J'), 'again', true, /answered 500: see/],
    [thrown('ECONNREFUSED'), 'again', false, /nothing listens at https:/],
    [thrown('ENOTFOUND'), 'again', false, /no address.*endpoint/],
    [thrown('ECONNRESET'), 'again', true, /connection .* failed \(ECONNRESET\)/],
    [thrown('DEPTH_ZERO_SELF_SIGNED_CERT'), 'refused', false, /no trusted TLS.*NODE_EXTRA_CA_CERTS/],
    [thrown('EPROTO'), 'refused', false, /no trusted TLS/],
    [named('TimeoutError'), 'again', true, /did not answer in time/],
    [named('CredentialsProviderError'), 'credentials', false, /no credentials: set evidence\.s3/],
    [new Error('Region is missing'), 'refused', false, /no region.*AWS_REGION/],
    [new NoS3Answer(), 'again', true, /is no S3/],
    [new Error('?'), 'again', true, /unknown reason/],
    ['?', 'again', true, /unknown reason/],
  ])(
    'such as %s is %s, done nevertheless: %s, and is told with what to do',
    (error, kind, mayBeDone, advice) => {
      const fault = faultOf(error, NAMES);
      expect(fault).toMatchObject({ kind, mayBeDone });
      expect(fault.advice).toMatch(advice);
      expect(fault.advice).not.toContain('AKIASECRET');
    },
  );
});
