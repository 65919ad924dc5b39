export type * from './scratch.js';
