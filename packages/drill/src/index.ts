export { chooseImage } from './choose-image.js';
export type { DrillEvent } from './drill-event.js';
export type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch, LookPorts } from './drill-ports.js';
export { createDrillSpans, type DrillSpans } from './drill-spans.js';
export { type Looker, type PreflightRequest, preflight } from './preflight.js';
export { runDrill } from './run-drill.js';
