import type { S3Called, S3Connection } from '@muster/s3';

/** Where a repository is, and what opens it. */
export type RepositoryPlace = (DirectoryPlace | S3RepositoryPlace) & { readonly passphrase?: string };

interface DirectoryPlace {
  readonly type: 'directory';
  /** The absolute directory of the repository. */
  readonly path: string;
}

export interface S3RepositoryPlace {
  readonly type: 's3';
  readonly bucket: string;
  /** Without slashes around it; empty = the whole bucket. */
  readonly prefix: string;
  readonly connection: S3Connection;
  /** Absent = by the keys of `backup.repo`. */
  readonly called?: S3Called;
}
