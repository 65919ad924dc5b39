export type { ConfigFile, ProducerPorts, ReadConfig, Refused } from './producer-ports.js';
