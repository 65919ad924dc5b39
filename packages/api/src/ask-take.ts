import { createHash } from 'node:crypto';
import { type Config, canonicalJson, newTakeId, type Source } from '@muster/core';
import { lackOfTakers, requestTake, takesQueue } from '@muster/queue';
import { contextOf, traceIdOf, traceTakeRequest } from '@muster/telemetry';
import type { z } from 'zod';
import type { ApiPorts } from './api-ports.js';
import type { Accepted, Asking } from './ask-drill.js';
import { configInForce, requirePool, sourceOf } from './in-force.js';
import { Refusal } from './problem.js';
import type { askTakeSchema } from './take-schemas.js';

type Asked = z.infer<typeof askTakeSchema>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Asks for a take by hand. With a key, the same request again is the same take.
 * @returns its id, when it is noted and queued. @throws {@link Refusal}, `redis_unavailable`.
 */
export async function askTake(
  ports: ApiPorts,
  asked: Asked,
  { by, key, carrier }: Asking,
): Promise<Accepted> {
  const config = await configInForce(ports);
  const source = sourceOf(config, asked.source, 400);
  const take = await requireTaking(ports, config, source, asked);
  const fresh = newTakeId(ports.now());
  const id = key === undefined ? fresh : await claimed(ports, asked, { by, key, fresh });
  const pool = asked.pool ?? take.pool;
  const job = {
    id,
    source: source.slug,
    kind: source.kind,
    pool,
    ...(source.backup.type === 'pgbackrest' && { type: asked.type ?? take.type }),
    trigger: { kind: 'api', requested_by: by.name },
    config_sha256: config.configSha256,
  } as const;
  const parent = contextOf(carrier);
  return await traceTakeRequest({ ...job, queue: takesQueue(pool) }, parent, async (sent) => {
    const answer = await requestTake(ports, { ...job, ...sent }, take.overrun);
    if (answer === 'take_overrun' || answer === 'take_waiting') throw whyNot(answer, source.slug);
    const workers = await ports.registry.list().catch(() => undefined);
    const warning = workers && lackOfTakers(workers, pool);
    const traceId = traceIdOf(contextOf(sent));
    return { id, ...(traceId && { trace_id: traceId }), ...(warning && { warning }) };
  });
}

async function requireTaking(ports: ApiPorts, config: Config, source: Source, asked: Asked) {
  const { slug, take, backup } = source;
  if (take === undefined) {
    throw new Refusal(400, 'not_taken', `Of the source "${slug}" Muster takes no backups: it has no take.`);
  }
  if (asked.type !== undefined && backup.type !== 'pgbackrest') {
    const why = `type is for pgBackRest: each backup of the source "${slug}" holds all of it.`;
    throw new Refusal(400, 'invalid_request', `In the body: type: ${why}`);
  }
  if (asked.pool !== undefined) await requirePool(ports, config, asked.pool);
  return take;
}

async function claimed(
  { idempotency }: ApiPorts,
  asked: Asked,
  { by, key, fresh }: Pick<Asking, 'by'> & { readonly key: string; readonly fresh: string },
): Promise<string> {
  const request = sha256(canonicalJson({ take: asked }));
  const id = await idempotency.claim(sha256(`${by.name} ${key}`), request, fresh);
  if (id !== undefined) return id;
  throw new Refusal(422, 'key_reused', 'This Idempotency-Key came with another request before.');
}

function whyNot(answer: 'take_overrun' | 'take_waiting', slug: string): Refusal {
  const why = answer === 'take_overrun' ? 'runs' : 'waits to begin';
  return new Refusal(
    409,
    'take_overrun',
    `A take of the source "${slug}" ${why}: GET /api/v1/sources/${slug} tells which. Ask again when it is over.`,
  );
}
