export { type Artefact, BACKUP_MOUNT } from './artefact.js';
export type * from './engine.js';
