export { type AgeKeys, readAgeKeys } from './age.js';
export { type BackupReader, withFacts } from './describe-backups.js';
export { createDirectoryRepository, type DirectoryOptions } from './directory-repository.js';
export { readOwnConfig } from './pgbackrest/own-config.js';
export { createPgbackrestRepository, type PgbackrestOptions } from './pgbackrest/pgbackrest-repository.js';
export type { Backup, BackupRepository, RemoteDirectory } from './repository.js';
export type { S3Bounds } from './s3-place.js';
export { createS3Repository, type S3RepositoryOptions } from './s3-repository.js';
export { type Selected, type Selecting, selectBackup } from './select.js';
