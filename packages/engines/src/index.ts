export { type Artefact, BACKUP_MOUNT } from './artefact.js';
export type * from './engine.js';
export { postgresEngine } from './postgres/engine.js';
export { postgresLiveDumper } from './postgres/live/live.js';
export { attachPostgres } from './postgres/server/attach.js';
