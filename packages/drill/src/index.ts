export type * from './drill-event.js';
export type * from './run-drill.js';
