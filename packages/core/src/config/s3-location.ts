import type { S3Place } from './config.js';

/** For people: `s3://bucket/prefix`. */
export const s3Location = ({ bucket, prefix }: Pick<S3Place, 'bucket' | 'prefix'>): string =>
  `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
