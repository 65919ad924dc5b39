export type * from './repository.js';
