export type * from './evidence-store.js';
export type * from './signer.js';
