import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Role } from '@muster/core';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiOptions, ApiPorts } from './api-ports.js';
import type { Principal } from './auth.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use a route at least; undefined = everybody. A route that says nothing is an admin's. */
    role?: Role | undefined;
  }
  interface FastifyRequest {
    /** Whoever asks; only where the route wants somebody. */
    principal: Principal;
  }
}

export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What each group of routes gets. */
export interface Api {
  readonly server: ApiServer;
  readonly ports: ApiPorts;
  /** Those that count now. */
  readonly tokens: ApiOptions['tokens'];
  /** Aborts when the server closes: streams end then. */
  readonly closing: AbortSignal;
}
