export { type ProducerOptions, type ReloadOutcome, type RunningProducer, startProducer } from './producer.js';
export type { ConfigFile, ProducerPorts, ReadConfig, Refused } from './producer-ports.js';
