export type { DrillEvent } from './drill-event.js';
export type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch } from './drill-ports.js';
export { runDrill } from './run-drill.js';
