export { createDirectoryRepository, type DirectoryOptions, type Identify } from './directory-repository.js';
export type { Backup, BackupRepository } from './repository.js';
export { selectBackup } from './select.js';
