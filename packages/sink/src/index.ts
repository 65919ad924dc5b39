export { startSink } from './sink.js';
export type { RunningSink, SinkPorts } from './sink-ports.js';
