export { type Artefact, BACKUP_MOUNT } from './artefact.js';
export type * from './engine.js';
export { attachTo, engineOf, liveDumperOf } from './engines.js';
export { mongodbEngine } from './mongodb/engine.js';
export { mongodbLiveDumper } from './mongodb/live/live.js';
export { postgresEngine } from './postgres/engine.js';
export { postgresLiveDumper } from './postgres/live/live.js';
