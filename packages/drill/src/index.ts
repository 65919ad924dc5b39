export type { DrillEvent } from './drill-event.js';
export {
  type DrillOutcome,
  type DrillPorts,
  type DrillRequest,
  type KeptScratch,
  runDrill,
} from './run-drill.js';
