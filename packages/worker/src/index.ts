export { startWorker } from './worker.js';
export type { DrillTask, RunningWorker, WorkerOptions, WorkerPorts } from './worker-ports.js';
