export {
  type BackupReader,
  createDirectoryRepository,
  type DirectoryOptions,
} from './directory-repository.js';
export type { Backup, BackupRepository } from './repository.js';
export { selectBackup } from './select.js';
