import { MusterError, sha256 } from '@muster/core';
import type { IndexedDrill } from '@muster/index';
import { cancelDrill, openDrill as knownDrill, whyNotCancelled } from '@muster/queue';
import { z } from 'zod';
import type { Api } from '../api.js';
import type { ApiPorts } from '../api-ports.js';
import { createAskDrill } from '../ask-drill.js';
import { principalOf } from '../auth.js';
import { endedDrill, openDrill, openDrills, triesSoFar } from '../drill-views.js';
import { streamEvents } from '../event-stream.js';
import { looking } from '../limits.js';
import { Refusal } from '../problem.js';
import {
  askedSchema,
  askSchema,
  cancelSchema,
  drillListSchema,
  drillParams,
  drillSchema,
  eventSchema,
  listQuery,
  problems,
} from '../schemas.js';

const STORING_MS = 5_000;
const LOOK_MS = 100;
/** Each has a connection to Redis. */
const MOST_STREAMS = 200;
/** A drill that is over tells what is still known of it, and no more. */
const REPLAY_MS = 3_000;
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export function drillRoutes({ server, ports, tokens, closing }: Api): void {
  const { states, index, store, events } = ports;
  const ask = createAskDrill(ports);
  let streams = 0;

  server.post(
    '/api/v1/drills',
    {
      config: { role: 'operator', rateLimit: { max: 600, timeWindow: '1 minute' } },
      schema: {
        summary: 'Ask for a drill',
        description:
          'Its plan is stored when this answers. Where no worker serves its pool a warning says so, and the drill waits. With an Idempotency-Key it may be asked again for a day.',
        tags: ['drills'],
        headers: z.object({
          'idempotency-key': z.string().min(1).max(200).optional(),
          traceparent: z
            .string()
            .optional()
            .describe('W3C Trace Context: the drill becomes part of that trace. An invalid one is ignored.'),
        }),
        body: askSchema,
        response: { 202: askedSchema, ...problems(400, 401, 403, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { 'idempotency-key': key, traceparent } = request.headers;
      const accepted = await ask(request.body, { by: request.principal, key, carrier: { traceparent } });
      return await reply.code(202).header('location', `/api/v1/drills/${accepted.id}`).send(accepted);
    },
  );

  server.get(
    '/api/v1/drills',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Drills, newest first',
        tags: ['drills'],
        querystring: listQuery,
        response: { 200: drillListSchema, ...problems(400, 401) },
      },
    },
    async ({ query: { source, result, since, cursor, limit: most } }) => {
      const firstPage = cursor === undefined && result === undefined;
      // First what is open: a drill whose receipt is stored meanwhile is in both, and not in neither.
      const open = firstPage ? await openDrills(ports, source) : undefined;
      const found = await index.list(
        {
          ...(source && { source }),
          ...(result && { result }),
          ...(since && { since: new Date(since) }),
          ...(cursor && { before: cursor }),
          limit: most + 1,
        },
        looking(),
      );
      const page = found.slice(0, most);
      const last = found.length > most ? page.at(-1) : undefined;
      return {
        drills: page.map(endedDrill),
        ...(open && { open: open.filter(({ id }) => !page.some(({ drillId }) => drillId === id)) }),
        ...(last && { next_cursor: last.drillId }),
      };
    },
  );

  server.get(
    '/api/v1/drills/:id',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One drill',
        tags: ['drills'],
        params: drillParams,
        response: { 200: drillSchema, ...problems(400, 401, 404) },
      },
    },
    async ({ params: { id } }) => {
      const open = await knownDrill(ports, id);
      const ended = await index.get(id, looking());
      if (ended !== undefined) return { ...endedDrill(ended), statement: ended.statement.predicate };
      if (open === undefined) throw notKnown(id);
      return { ...openDrill(open), attempts: triesSoFar(open.state, await states.attempts(id)) };
    },
  );

  server.get(
    '/api/v1/drills/:id/receipt',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The receipt of a drill, as it is stored',
        tags: ['drills'],
        params: drillParams,
        response: {
          200: { description: 'A Sigstore bundle.', content: { [BUNDLE]: { schema: z.unknown() } } },
          ...problems(400, 401, 404),
        },
      },
      // The bytes are what is signed: nothing is to read and write them anew.
      serializerCompiler: () => (bytes) => String(bytes),
    },
    async ({ params: { id } }, reply) => {
      const ended = await whenIndexed(ports, id);
      if (ended === undefined) throw await withoutReceipt(ports, id);
      const bytes = await store.get(ended.key, looking());
      if (sha256(bytes) !== `sha256:${ended.sha256}`) {
        throw new MusterError('evidence_malformed', `${ended.key} is not what was indexed: it was changed.`);
      }
      return await reply.type(BUNDLE).send(Buffer.from(bytes));
    },
  );

  server.post(
    '/api/v1/drills/:id/cancel',
    {
      config: { role: 'operator', rateLimit: { max: 600, timeWindow: '1 minute' } },
      schema: {
        summary: 'Cancel a drill',
        description:
          'cancelled: it waited, and its receipt is on its way. stopping: its worker is told to stop.',
        tags: ['drills'],
        params: drillParams,
        response: { 202: cancelSchema, ...problems(400, 401, 403, 409, 413, 415) },
      },
    },
    async ({ params: { id }, principal }, reply) => {
      const outcome = await cancelDrill(ports, id, principal.name);
      if (outcome !== 'cancelled' && outcome !== 'stopping') {
        throw new Refusal(409, 'not_under_way', whyNotCancelled(id, outcome));
      }
      return await reply.code(202).send({ id, outcome });
    },
  );

  server.get(
    '/api/v1/drills/:id/events',
    {
      config: { role: 'viewer' },
      // What only a stream's head is asked of would hold on to the stream all the same.
      exposeHeadRoute: false,
      schema: {
        summary: 'What happens to a drill, as it happens',
        description:
          'Server-sent events, from the first on or after Last-Event-ID; ends with the event "stored".',
        tags: ['drills'],
        params: drillParams,
        headers: z.object({
          'last-event-id': z
            .string()
            .regex(/^\d{1,15}-\d{1,10}$/, 'expected the id of an event, such as 1795230000000-0')
            .optional(),
        }),
        response: {
          200: { description: 'Events.', content: { 'text/event-stream': { schema: eventSchema } } },
          ...problems(400, 401, 404),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const open = await knownDrill(ports, id);
      const ended = await index.get(id, looking());
      if (ended === undefined && open === undefined) throw notKnown(id);
      if (streams >= MOST_STREAMS) {
        throw new Refusal(503, 'too_many_streams', `There are ${MOST_STREAMS} streams of events already.`);
      }
      // Where that took too long, this has been said.
      if (reply.sent) return;
      reply.hijack();
      // Whoever left meanwhile: nobody would hear of it any more.
      if (reply.raw.destroyed) return;
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const signals = [gone.signal, closing, ...(ended ? [AbortSignal.timeout(REPLAY_MS)] : [])];
      const signal = AbortSignal.any(signals);
      streams += 1;
      try {
        const isAdmitted = () => principalOf(tokens(), request.headers.authorization) !== undefined;
        const told = events.follow(id, request.headers['last-event-id'], signal);
        await streamEvents(reply.raw, whileTrue(isAdmitted, told), gone.signal);
      } catch (error) {
        // The status is sent: the reader sees the stream end, and comes again.
        ports.logger.error('a stream of events broke off', error, { drill_id: id });
      } finally {
        streams -= 1;
      }
    },
  );
}

/** Nothing more is told to a reader whose token is gone. */
async function* whileTrue<T>(holds: () => boolean, items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    if (!holds()) return;
    yield item;
  }
}

/** A receipt that is on its way is there in a moment: it is waited for. */
async function whenIndexed({ index, receipts }: ApiPorts, id: string): Promise<IndexedDrill | undefined> {
  const end = Date.now() + STORING_MS;
  while (Date.now() < end && (await receipts.holds(id))) {
    const indexed = await index.get(id, looking());
    if (indexed !== undefined) return indexed;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  // It leaves its queue when it is indexed.
  return await index.get(id, looking());
}

/** A drill that is open has none yet, which is no slip of whoever asks. */
async function withoutReceipt(ports: ApiPorts, id: string): Promise<Error> {
  const open = await knownDrill(ports, id);
  if (open === undefined) return notKnown(id);
  const { state, waitsFor } = open;
  const where = `${state}${waitsFor === undefined ? '' : `, and waits for ${waitsFor}`}`;
  return new Refusal(
    404,
    'no_receipt_yet',
    `The drill ${id} has no receipt yet (it is ${where}): GET /api/v1/drills/${id} tells where it is, and its /events when the receipt is stored.`,
  );
}

const notKnown = (id: string): MusterError =>
  new MusterError('drill_not_found', `There is no drill ${id}, or its receipt is not indexed yet.`);
