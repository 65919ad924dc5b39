export { type Artefact, BACKUP_MOUNT } from './artefact.js';
export type * from './engine.js';
export { attachPostgres } from './postgres/attach.js';
export { postgresEngine } from './postgres/engine.js';
export { postgresLiveDumper } from './postgres/live.js';
