export { createDrillSpans, type DrillSpans } from './drill-spans.js';
export { startWorker } from './worker.js';
export type { DrillTask, RunningWorker, WorkerOptions, WorkerPorts } from './worker-ports.js';
