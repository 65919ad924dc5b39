export type { RestoreEvent, RestoreOutcome, RestorePlan, RestorePorts, RestoreRequest } from './restore.js';
export { restoreBackup } from './restore.js';
