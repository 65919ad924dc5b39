export type { DrillEvent } from './drill-event.js';
export type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch } from './drill-ports.js';
export { createDrillSpans, type DrillSpans } from './drill-spans.js';
export { runDrill } from './run-drill.js';
