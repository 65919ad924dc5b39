import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyReply } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { addressOf } from './address.js';
import type { Api, ApiServer } from './api.js';
import type { ApiOptions, ApiPorts } from './api-ports.js';
import { bearerIn, mayAs, type Principal, principalOf } from './auth.js';
import { ANSWER_MS, ASSET_MS } from './limits.js';
import { type Problem, problemFrom, Refusal } from './problem.js';
import { createRefusals, type TellRefusal, tellUnknownToken } from './refusals.js';
import { backupRoutes } from './routes/backups.js';
import { drillRoutes } from './routes/drills.js';
import { fleetRoutes } from './routes/fleet.js';
import { preflightRoutes } from './routes/preflight.js';
import { sourceRoutes } from './routes/sources.js';
import { takeRoutes } from './routes/takes.js';

const BODY_BYTES = 256 * 1024;
const REQUEST_MS = 30_000;
/** Nothing was sent or taken for so long: a reader who does not read holds on to nothing. */
const STALLED_MS = 60_000;
/** Of one address; what costs more has a limit of its own. */
const MOST_A_SECOND = 2_000;
const NOBODY: Principal = { name: '-', role: 'viewer' };

/** The HTTP API: `/api/v1`, its OpenAPI document and page, health. It does not listen yet. */
export async function buildServer(ports: ApiPorts, { tokens, version }: ApiOptions): Promise<ApiServer> {
  const closing = new AbortController();
  const server: ApiServer = fastify({
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    connectionTimeout: STALLED_MS,
    handlerTimeout: ANSWER_MS,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemFrom(error)),
    routerOptions: { maxParamLength: 200 },
  }).withTypeProvider<ZodTypeProvider>();
  // A body that does not say that it is JSON is told so, and not that the text of it is no object.
  server.removeContentTypeParser('text/plain');
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  endInTime(server, closing);
  answerProblems(server, ports);
  const tellRefusal = createRefusals(ports.logger, ports.now);
  requireRoles(server, tokens, tellRefusal);
  await server.register(rateLimit, { max: MOST_A_SECOND, timeWindow: 1_000, keyGenerator: addressOf });
  await describeApi(server, version);

  const api: Api = { server, ports, tokens, closing: closing.signal };
  drillRoutes(api);
  sourceRoutes(api);
  backupRoutes(api);
  takeRoutes(api);
  preflightRoutes(api);
  fleetRoutes(api);
  // Whoever takes but the schemas of this package needs none of it.
  const { mountBoard } = await import('./board/mount-board.js');
  await mountBoard(api, tellRefusal);
  server.get('/openapi.json', { config: { role: undefined }, schema: { hide: true } }, async () =>
    server.swagger(),
  );
  return server;
}

/** What it has is answered, streams end, and nobody who does not read his answer holds it up. */
function endInTime(server: ApiServer, closing: AbortController): void {
  server.addHook('preClose', async () => {
    closing.abort();
    setTimeout(() => server.server.closeAllConnections(), ANSWER_MS).unref();
  });
  server.addHook('onSend', async (_request, reply) => {
    if (closing.signal.aborted) reply.header('connection', 'close');
  });
}

function answerProblems(server: ApiServer, { logger }: ApiPorts): void {
  server.setNotFoundHandler((_request, reply) => {
    const { problem } = new Refusal(404, 'no_such_route', 'There is nothing at this path: see /docs.');
    return sendProblem(reply, problem);
  });
  server.setErrorHandler((error, request, reply) => {
    const problem = problemFrom(error, request);
    if (problem.status >= 500) {
      logger.error('a request failed', error, {
        route: request.routeOptions.url ?? '',
        method: request.method,
        code: problem.code,
      });
    }
    return sendProblem(reply, problem);
  });
}

function sendProblem(reply: FastifyReply, problem: Problem): unknown {
  if (problem.status === 401) reply.header('www-authenticate', challengeOf(problem));
  if (problem.status === 503) reply.header('retry-after', '5');
  const { status } = problem;
  return reply.code(status).type('application/problem+json').serializer(JSON.stringify).send(problem);
}

/** RFC 6750, 3.1: no error where no token came. */
const challengeOf = ({ code }: Problem): string =>
  code === 'unknown_token' ? 'Bearer error="invalid_token"' : 'Bearer';

/** A route is an admin's unless it says otherwise. */
function requireRoles(server: ApiServer, tokens: ApiOptions['tokens'], tellRefusal: TellRefusal): void {
  server.decorateRequest('principal', null as unknown as Principal);
  server.addHook('onRequest', async (request) => {
    request.principal = NOBODY;
    const { config } = request.routeOptions;
    if (request.is404 || ('role' in config && config.role === undefined)) return;
    const principal = principalOf(tokens(), request.headers.authorization);
    if (principal === undefined) {
      tellUnknownToken(tellRefusal, request, request.routeOptions.url ?? '');
      throw notAdmitted(request.headers.authorization);
    }
    const needed = config.role ?? 'admin';
    if (!mayAs(principal.role, needed)) {
      throw new Refusal(403, 'forbidden', `The role ${principal.role} may not do that: it takes ${needed}.`);
    }
    request.principal = principal;
  });
}

/** To bring none is another slip than to bring one that nobody knows. */
function notAdmitted(authorization: string | undefined): Refusal {
  if (bearerIn(authorization) === undefined) {
    return new Refusal(
      401,
      'unauthorized',
      'This takes a token, and none came with it: send the header Authorization: Bearer mst_…',
    );
  }
  return new Refusal(
    401,
    'unknown_token',
    'The token that came is none of this API: whoever runs it makes one with muster token generate, puts its line into api.tokens, and has the API read that again (SIGHUP).',
  );
}

async function describeApi(server: ApiServer, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Muster',
        version,
        description: 'Drills of database backups: ask for them, follow them, read their receipts.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await server.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, role: undefined };
      route.handlerTimeout = ASSET_MS;
    });
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  });
}
