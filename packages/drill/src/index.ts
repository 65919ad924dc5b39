export { chooseImage } from './choose-image.js';
export type { DrillEvent } from './drill-event.js';
export type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch, LookPorts } from './drill-ports.js';
export { createDrillSpans, type DrillSpans } from './drill-spans.js';
export { type Looker, type PreflightRequest, preflight } from './preflight.js';
export { REHEARSAL_URI } from './rehearse/production.js';
export { rehearse } from './rehearse/rehearse.js';
export type * from './rehearse/rehearse-ports.js';
export { runDrill } from './run-drill.js';
