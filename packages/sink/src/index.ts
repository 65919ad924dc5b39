export type { RunningSink, SinkPorts } from './sink-ports.js';
