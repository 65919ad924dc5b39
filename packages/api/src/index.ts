export type { ApiOptions, ApiPorts } from './api-ports.js';
export { makeToken, type RunningApi, startApi } from './listen.js';
