export type { DataDirectory } from './data-directory.js';
export type { RestoreEvent, RestoreOutcome, RestorePlan, RestorePorts, RestoreRequest } from './restore.js';
export { restoreBackup } from './restore.js';
export {
  type RestoreSetOutcome,
  type RestoreSetPorts,
  type RestoreSetRequest,
  restoreSet,
} from './restore-set.js';
