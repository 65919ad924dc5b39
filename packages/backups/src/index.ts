export {
  type BackupReader,
  createDirectoryRepository,
  type DirectoryOptions,
} from './directory-repository.js';
export type { Backup, BackupRepository } from './repository.js';
export { type Selected, type Selecting, selectBackup } from './select.js';
