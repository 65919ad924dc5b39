import { createHash } from 'node:crypto';
import type { ApiToken } from '@muster/core';
import { type BoardSessions, SESSION_SECONDS } from '@muster/queue';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiOptions } from '../api-ports.js';
import { type Principal, principalOf, tokenOf } from '../auth.js';
import { BOARD } from './board-routes.js';

const COOKIE = 'muster_board';

/**
 * Whoever asks: by the token in the request itself, or by the cookie of a session that began with one. Sessions lie in
 * Redis, which the board needs anyhow, so that each API behind a balancer knows them, and to sign out ends them. They
 * hold on to the token they began with: where it is no longer configured, its sessions are nobody's.
 * Every method throws `redis_unavailable`.
 */
export interface Sessions {
  asker(request: FastifyRequest): Promise<Principal | undefined>;
  /** @returns false where the token is not known. */
  begin(token: string, request: FastifyRequest, reply: FastifyReply): Promise<boolean>;
  end(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

export function createSessions(tokens: ApiOptions['tokens'], kept: BoardSessions): Sessions {
  return {
    asker: async ({ headers, cookies }) => {
      if (headers.authorization !== undefined) return principalOf(tokens(), headers.authorization);
      const id = cookies[COOKIE];
      const holder = id === undefined ? undefined : await kept.holder(id);
      const token = tokens().find((one) => holderOf(one) === holder);
      return token && { name: token.name, role: token.role };
    },
    begin: async (text, request, reply) => {
      const token = tokenOf(tokens(), text);
      if (token === undefined) return false;
      reply.setCookie(COOKIE, await kept.begin(holderOf(token)), {
        path: BOARD,
        httpOnly: true,
        sameSite: 'strict',
        // Whoever claims https where there is none locks out nobody but himself.
        secure: /^https\b/.test(`${request.headers['x-forwarded-proto']}`),
        maxAge: SESSION_SECONDS,
      });
      return true;
    },
    end: async ({ cookies }, reply) => {
      reply.clearCookie(COOKIE, { path: BOARD });
      const id = cookies[COOKIE];
      if (id !== undefined) await kept.end(id);
    },
  };
}

/** A digest of what is configured: what tokens are compared by stays out of Redis. */
const holderOf = ({ name, sha256 }: ApiToken): string =>
  createHash('sha256').update(`${name} ${sha256}`).digest('hex');
