export type { ApiOptions, ApiPorts } from './api-ports.js';
export { dependenciesOf } from './dependencies.js';
export { makeToken, type RunningApi, startApi } from './listen.js';
export { problemSchema } from './problem.js';
export {
  askedSchema,
  cancelSchema,
  drillListSchema,
  drillSchema,
  keyListSchema,
  sourceListSchema,
} from './schemas.js';
