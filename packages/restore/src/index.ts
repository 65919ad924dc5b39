export type { DataDirectory } from './data-directory.js';
export { restoreBackup } from './restore.js';
export type {
  RestoreEvent,
  RestoreOutcome,
  RestorePlan,
  RestorePorts,
  RestoreRequest,
} from './restore-ports.js';
export {
  type RestoreSetOutcome,
  type RestoreSetPorts,
  type RestoreSetRequest,
  restoreSet,
} from './restore-set.js';
