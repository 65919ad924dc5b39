export type { DrillTask, RunningWorker, WorkerOptions, WorkerPorts } from './worker-ports.js';
