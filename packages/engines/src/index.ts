export type * from './artefact.js';
export type * from './engine.js';
