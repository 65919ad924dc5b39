/** Where the board is. */
export const BOARD = '/queues';

/**
 * What of Bull Board's own API is on, by method and route: whatever is not named here is refused, also what a later
 * version adds. The page may be looked at by every role.
 */

/** What a viewer may ask. */
const LOOKS: ReadonlySet<string> = new Set([
  'GET /api/queues',
  'GET /api/job-schedulers',
  'GET /api/queues/:queueName/:jobId',
]);

/** What the page asks, and Muster has nothing of: neither logs nor flows nor options of a queue. Redis is not asked. */
const NOTHING: ReadonlyMap<string, object> = new Map<string, object>([
  ['GET /api/queues/:queueName/:jobId/logs', []],
  ['GET /api/queues/:queueName/:jobId/flow', { nodeId: '', flowRoot: null, isFlowNode: false }],
  ['GET /api/queues/:queueName/default-job-options', {}],
]);

/**
 * What an admin may do, to queues of drills alone: hold them, let them go, hurry one that is delayed, and try again what
 * was given up. Each can be taken back or done twice, and still every drill ends in one receipt. To add, change or remove
 * a job, a schedule or a limit is nobody's: drills are asked for and cancelled by the API, schedules are configuration.
 */
const ACTS: ReadonlySet<string> = new Set([
  'PUT /api/queues/pause',
  'PUT /api/queues/resume',
  'PUT /api/queues/:queueName/pause',
  'PUT /api/queues/:queueName/resume',
  'PUT /api/queues/:queueName/promote',
  'PUT /api/queues/:queueName/retry/:queueStatus',
  'PUT /api/queues/:queueName/:jobId/promote',
  'PUT /api/queues/:queueName/:jobId/retry',
]);

export type BoardRoute =
  /** The page itself, or what it is made of. */
  | { readonly type: 'page' | 'asset' }
  | { readonly type: 'look' | 'act' | 'off' }
  | { readonly type: 'nothing'; readonly answer: object };

/** What Muster adds to the page. */
const OWN_FILES: ReadonlySet<string> = new Set(['/muster.css', '/muster.js']);

/** What a route below the board's prefix is. */
export function boardRoute(method: string, route: string): BoardRoute {
  if (route.startsWith('/static/') || OWN_FILES.has(route)) return { type: 'asset' };
  if (!route.startsWith('/api/')) return { type: 'page' };
  const named = `${method === 'HEAD' ? 'GET' : method} ${route}`;
  const answer = NOTHING.get(named);
  if (answer !== undefined) return { type: 'nothing', answer };
  if (LOOKS.has(named)) return { type: 'look' };
  return { type: ACTS.has(named) ? 'act' : 'off' };
}
