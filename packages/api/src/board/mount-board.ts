import { createBullBoard } from '@bull-board/api';
import type {
  GetJobResponse,
  GetJobSchedulersResponse,
  GetQueuesResponse,
} from '@bull-board/api/typings/responses';
import { FastifyAdapter } from '@bull-board/fastify';
import cookie from '@fastify/cookie';
import type { Role } from '@muster/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressOf } from '../address.js';
import type { Api, ApiServer } from '../api.js';
import { ASSET_MS } from '../limits.js';
import { problemFrom, Refusal } from '../problem.js';
import { type TellRefusal, tellUnknownToken } from '../refusals.js';
import { BoardAdapter } from './board-adapter.js';
import { boardFault } from './board-faults.js';
import { BOARD, type BoardRoute, boardRoute } from './board-routes.js';
import { loginRoutes } from './login-routes.js';
import { faultPage, HEADERS, SCRIPT, STYLE, withOwnFiles } from './pages.js';
import { isSameOrigin } from './same-origin.js';
import { createSessions, type Sessions } from './sessions.js';
import { shownJob, shownQueue, shownScheduler } from './shown.js';

const MOST_JOBS_A_PAGE = 100;

/** Bull Board below `/queues`, for whoever has a token: every role looks, admins act. */
export async function mountBoard(api: Api, tellRefusal: TellRefusal): Promise<void> {
  const sessions = createSessions(api.tokens, api.ports.board.sessions);
  await api.server.register(
    async (scope: ApiServer) => {
      answerBelow(scope, api);
      await scope.register(cookie);
      loginRoutes(scope, sessions, tellRefusal);
      await scope.register(async (board: ApiServer) => {
        const { plugin, refresh } = bullBoard(api);
        admit(board, sessions, tellRefusal);
        decide(board, refresh);
        tellActs(board, api, tellRefusal);
        show(board);
        board.get('/muster.css', (_request, reply) => reply.type('text/css').send(STYLE));
        board.get('/muster.js', (_request, reply) => reply.type('text/javascript').send(SCRIPT));
        await board.register(plugin);
      });
    },
    { prefix: BOARD },
  );
}

/** Bull Board's plugin, and what makes it know the queues that are there now. */
function bullBoard({ ports }: Api) {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(BOARD);
  const board = createBullBoard({
    queues: [],
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Muster',
        miscLinks: [{ text: 'Sign out', url: `${BOARD}/login` }],
        // Host, version and clients of Redis; addresses of workers; links to other hosts.
        hideRedisDetails: true,
        showWorkers: false,
        hideDocsLink: true,
      },
    },
  });
  const known = new Set<string>();
  const refresh = async (): Promise<void> => {
    for (const queue of await ports.board.queues.list()) {
      const { name } = queue.queue;
      if (known.has(name)) continue;
      known.add(name);
      board.addQueue(new BoardAdapter(queue));
    }
  };
  return { plugin: serverAdapter.registerPlugin(), refresh };
}

/** What all routes have in common. That everybody may reach them is made good by {@link admit}. */
function answerBelow(scope: ApiServer, { ports: { logger } }: Api): void {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, role: undefined };
    route.schema = { ...route.schema, hide: true };
    if (boardRoute('GET', route.url.slice(BOARD.length)).type === 'asset') route.handlerTimeout = ASSET_MS;
    route.errorHandler = (error, request, reply) => {
      const problem = problemFrom(boardFault(error));
      if (problem.status >= 500) {
        logger.error('a request of the board failed', error, { route: request.routeOptions.url ?? '' });
      }
      reply.code(problem.status);
      if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
      if (problem.status === 503) reply.header('retry-after', '5');
      const { type } = routeOf(request);
      if (type === 'page') return reply.type('text/html').send(faultPage(problem.title, problem.detail));
      // `error` is what Bull Board's page shows.
      return reply.type('application/problem+json').send({ ...problem, error: problem.detail });
    };
  });
  scope.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
}

function routeOf({ method, routeOptions }: FastifyRequest): BoardRoute {
  return boardRoute(method, (routeOptions.url ?? '').slice(BOARD.length));
}

/** Whoever has no token sees nothing; a write comes from this page, by an admin, and is one of those that are on. */
function admit(board: ApiServer, sessions: Sessions, tellRefusal: TellRefusal): void {
  board.addHook('onRequest', async (request, reply) => {
    const { type } = routeOf(request);
    const asker = await sessions.asker(request);
    if (asker === undefined) {
      tellUnknownToken(tellRefusal, request, BOARD);
      if (type === 'page') return await reply.redirect(`${BOARD}/login`);
      throw new Refusal(401, 'unauthorized', `A token is needed: sign in at ${BOARD}/login.`);
    }
    request.principal = asker;
    if (request.method === 'GET' || request.method === 'HEAD') return;
    if (asker.role !== 'admin') {
      throw new Refusal(403, 'forbidden', `The role ${asker.role} may only look at the queues.`);
    }
    if (request.headers.authorization === undefined && !isSameOrigin(request.headers)) {
      throw new Refusal(403, 'forbidden', 'That was asked by a page of another origin.');
    }
  });
}

function decide(board: ApiServer, refresh: () => Promise<void>): void {
  board.addHook('preHandler', async (request, reply) => {
    const route = routeOf(request);
    if (route.type === 'asset') return;
    if (route.type === 'off') {
      throw new Refusal(403, 'switched_off', 'Muster does not do that by hand: see docs/queues.md.');
    }
    if (route.type === 'nothing') return await reply.send(route.answer);
    const { jobsPerPage } = request.query as { readonly jobsPerPage?: string };
    if (Number(jobsPerPage) > MOST_JOBS_A_PAGE) {
      throw new Refusal(400, 'invalid_request', `A page has ${MOST_JOBS_A_PAGE} jobs at the most.`);
    }
    await refresh();
  });
}

/** Who did what to a queue, and who wanted to: when it is decided, whether the asker waits for the answer or not. */
function tellActs(board: ApiServer, { ports: { logger } }: Api, tellRefusal: TellRefusal): void {
  board.addHook('onSend', async (request, { statusCode }) => {
    const { type } = routeOf(request);
    if ((type !== 'act' && type !== 'off') || request.method === 'GET' || statusCode === 401) return;
    const { queueName: queue, jobId: job } = request.params as { queueName?: string; jobId?: string };
    const said = {
      by: request.principal.name,
      act: `${request.method} ${request.routeOptions.url}`,
      ...(queue !== undefined && { queue }),
      ...(job !== undefined && { job }),
    };
    if (statusCode < 400) logger.info('somebody acted on a queue', said);
    else if (statusCode < 500) {
      tellRefusal('an act on a queue was refused', addressOf(request), { ...said, status: statusCode });
    } else
      logger.error('an act on a queue may not have been done', undefined, { ...said, status: statusCode });
  });
}

/** Answers are cut to what may be seen, and the page to what is here. */
function show(board: ApiServer): void {
  board.addHook('preSerialization', async (request, reply, payload: object) =>
    reply.statusCode < 300 ? shown(request, payload) : payload,
  );
  board.addHook('onSend', async (_request, reply: FastifyReply, payload) => {
    const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
    return isPage && typeof payload === 'string' ? withOwnFiles(payload) : payload;
  });
}

function shown(request: FastifyRequest, payload: object): object {
  const { queueName = '' } = request.params as { readonly queueName?: string };
  const { role } = request.principal;
  if ('queues' in payload) return shownQueues(payload as GetQueuesResponse, role);
  if ('job' in payload) {
    const { job, status } = payload as GetJobResponse;
    return { job: shownJob(job, queueName), status };
  }
  if ('schedulers' in payload) {
    return { schedulers: (payload as GetJobSchedulersResponse).schedulers.map(shownScheduler) };
  }
  if (routeOf(request).type === 'look') throw new Error('Bull Board answers with what is not known here');
  return payload;
}

const shownQueues = ({ queues }: GetQueuesResponse, role: Role): GetQueuesResponse => ({
  queues: queues.map((queue) => shownQueue(queue, role)),
});
