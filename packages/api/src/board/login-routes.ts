import { z } from 'zod';
import { addressOf } from '../address.js';
import type { ApiServer } from '../api.js';
import { Refusal } from '../problem.js';
import type { TellRefusal } from '../refusals.js';
import { BOARD } from './board-routes.js';
import { loginPage } from './pages.js';
import { isSameOrigin } from './same-origin.js';
import type { Sessions } from './sessions.js';

const FORM = 'application/x-www-form-urlencoded';
const FORM_BYTES = 4096;
/** Of one address. A token has 256 bits: this is about load. */
const LIMIT = { max: 20, timeWindow: '1 minute' } as const;
const formSchema = z.object({ token: z.string().trim() });

/** For a browser: a token once, a session from then on. */
export function loginRoutes(scope: ApiServer, sessions: Sessions, tellRefusal: TellRefusal): void {
  scope.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: FORM_BYTES }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body.toString()))),
  );
  // Else another site could sign somebody in as somebody else, or out.
  scope.addHook('onRequest', async ({ method, headers, routeOptions: { url } }) => {
    const isForm = url === `${BOARD}/login` || url === `${BOARD}/logout`;
    if (isForm && method === 'POST' && !isSameOrigin(headers)) {
      throw new Refusal(403, 'forbidden', 'That was asked by a page of another origin.');
    }
  });

  scope.get('/login', async (request, reply) => {
    const who = await sessions.asker(request);
    return await reply.type('text/html').send(loginPage({ who }));
  });

  scope.post('/login', { config: { rateLimit: LIMIT } }, async (request, reply) => {
    const form = formSchema.safeParse(request.body).data;
    if (form !== undefined && (await sessions.begin(form.token, request, reply))) {
      return await reply.redirect(`${BOARD}/`, 303);
    }
    tellRefusal('signing in to the queues with a token that is not known', addressOf(request));
    return await reply
      .code(401)
      .type('text/html')
      .send(loginPage({ said: 'That token is not known.' }));
  });

  scope.post('/logout', async (request, reply) => {
    await sessions.end(request, reply);
    return await reply.redirect(`${BOARD}/login`, 303);
  });
}
