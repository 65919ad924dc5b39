import { duesBetween, MusterError, type Source } from '@muster/core';
import { takesSeen } from '@muster/queue';
import { z } from 'zod';
import type { Api } from '../api.js';
import type { ApiPorts } from '../api-ports.js';
import { askTake } from '../ask-take.js';
import { configInForce } from '../in-force.js';
import { problems } from '../schemas.js';
import {
  askedTakeSchema,
  askTakeSchema,
  isOfSets,
  type SourceTakes,
  shownTake,
  takeParams,
  takeSchema,
} from '../take-schemas.js';

const SHOWN = 20;
const YEAR_MS = 366 * 24 * 60 * 60_000;

/** Backups that the fleet takes. */
export function takeRoutes({ server, ports }: Api): void {
  server.post(
    '/api/v1/backups',
    {
      config: { role: 'operator', rateLimit: { max: 600, timeWindow: '1 minute' } },
      schema: {
        summary: 'Take a backup of a source',
        description:
          'It is queued when this answers, for the workers of take.pool. While another take of the source is under way it is 409. With an Idempotency-Key it may be asked again for a day.',
        tags: ['backups'],
        headers: z.object({
          'idempotency-key': z.string().min(1).max(200).optional(),
          traceparent: z
            .string()
            .optional()
            .describe('W3C Trace Context: the take becomes part of that trace. An invalid one is ignored.'),
        }),
        body: askTakeSchema,
        response: { 202: askedTakeSchema, ...problems(400, 401, 403, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { 'idempotency-key': key, traceparent } = request.headers;
      const asking = { by: request.principal, key, carrier: { traceparent } };
      const accepted = await askTake(ports, request.body, asking);
      return await reply.code(202).header('location', `/api/v1/backups/takes/${accepted.id}`).send(accepted);
    },
  );

  server.get(
    '/api/v1/backups/takes/:id',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One take: where it is, and what became of it',
        description: 'Known while it is among the newest 50 that ended of its source.',
        tags: ['backups'],
        params: takeParams,
        response: { 200: takeSchema, ...problems(400, 401, 404) },
      },
    },
    async ({ params: { id } }) => {
      const { sources } = await configInForce(ports);
      const slugs = sources.flatMap(({ slug, take }) => (take === undefined ? [] : [slug]));
      const found = await ports.takeHistory.find(slugs, id);
      if (found !== undefined) return shownTake(found.slug, found.take);
      throw new MusterError('take_not_found', `There is no take ${id}, or it is known no longer.`);
    },
  );
}

/** What a source shows of its takes; undefined where Muster takes none. @throws `redis_unavailable`. */
export async function sourceTakes(ports: ApiPorts, source: Source): Promise<SourceTakes | undefined> {
  const { slug, take } = source;
  if (take === undefined) return undefined;
  const seen = (await takesSeen(ports, [source])).get(slug);
  const now = ports.now();
  const schedules = take.schedules.map(({ type, ...schedule }) => {
    const [next] = duesBetween(schedule, now, new Date(now.getTime() + YEAR_MS));
    return { ...schedule, ...(isOfSets(source) && { type }), ...(next && { next: next.toISOString() }) };
  });
  return {
    pool: take.pool,
    overrun: take.overrun,
    schedules,
    ...(seen?.lastTaken && { last_taken: seen.lastTaken.toISOString() }),
    last: (seen?.takes ?? []).slice(0, SHOWN).map((one) => shownTake(slug, one)),
    findings: [...(seen?.findings ?? [])],
  };
}
