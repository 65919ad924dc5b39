import { basename } from 'node:path';
import { isMusterError } from '@muster/core';
import { inTime } from '@muster/telemetry';
import { z } from 'zod';
import type { Api } from '../api.js';
import { dependenciesOf } from '../dependencies.js';
import { configInForce } from '../in-force.js';
import { problemFrom } from '../problem.js';
import { healthSchema, keyListSchema, problems, readySchema, workerListSchema } from '../schemas.js';

/** Whoever balances load is to have the 503 before it gives up. */
const PROBE_MS = 2_000;
const NONE_RUNS = 'none runs';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Workers, keys, and whether what the API needs is there. */
export function fleetRoutes({ server, ports }: Api): void {
  const dependencies = dependenciesOf(ports);
  const readiness = shared(async () => {
    const signal = AbortSignal.timeout(PROBE_MS);
    const services = ports.services.count();
    const sinkTrouble = async () =>
      (await services).sink === 0 ? NONE_RUNS : await ports.receipts.trouble();
    const [redis, index, evidence, configuration, producer, sink] = await Promise.all([
      probe(dependencies.redis(signal), signal),
      probe(dependencies.index(signal), signal),
      probe(dependencies.store(signal), signal),
      probe(configInForce(ports), signal),
      probe(services, signal, ({ producer }) => (producer === 0 ? NONE_RUNS : undefined)),
      probe(sinkTrouble(), signal, (trouble) => trouble),
    ]);
    const ready = [redis, index, evidence, configuration, producer, sink].every(({ ok }) => ok);
    return { ready, redis, index, evidence, configuration, producer, sink };
  });

  server.get(
    '/api/v1/workers',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The workers that live, and what they do',
        tags: ['fleet'],
        response: { 200: workerListSchema, ...problems(401) },
      },
    },
    async () => ({ workers: [...(await ports.registry.list())] }),
  );

  server.get(
    '/api/v1/keys',
    {
      config: { role: undefined },
      schema: {
        summary: 'The public keys that count: whoever has them can verify a receipt',
        tags: ['evidence'],
        security: [],
        response: { 200: keyListSchema, ...problems() },
      },
    },
    async () => {
      const { keys, faults } = await ports.keyring();
      return {
        keys: keys.map(({ keyId, publicKeyPem }) => ({ key_id: keyId, pem: publicKeyPem })),
        ...(faults.length > 0 && {
          faults: faults.map(({ path, code }) => ({ file: basename(path), code })),
        }),
      };
    },
  );

  server.get(
    '/healthz',
    {
      // Whoever watches over it is not to be refused.
      config: { role: undefined, rateLimit: false },
      schema: {
        summary: 'It runs',
        tags: ['health'],
        security: [],
        response: { 200: healthSchema, ...problems() },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  server.get(
    '/readyz',
    {
      config: { role: undefined },
      schema: {
        summary: 'What it needs is there; else 503, and what is missing',
        tags: ['health'],
        security: [],
        response: { ...problems(), 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const answer = await readiness();
      return await reply.code(answer.ready ? 200 : 503).send(answer);
    },
  );

  server.get(
    '/metrics',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The metrics of the fleet and of this process',
        description: 'In the text format of Prometheus; docs/telemetry.md lists them.',
        tags: ['health'],
        response: {
          200: { description: 'Metrics.', content: { [METRICS_TYPE]: { schema: z.string() } } },
          ...problems(401),
        },
      },
      serializerCompiler: () => (text) => String(text),
    },
    async (_request, reply) => await reply.type(METRICS_TYPE).send(await ports.metricsText()),
  );
}

/** Whoever asks while it is asked has the same answer: this is open to everybody, and is no work for each of them. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** Only codes: what a store said of itself may name places. */
async function probe<T>(
  work: Promise<T>,
  limit: AbortSignal,
  faultOf: (answer: T) => string | undefined = () => undefined,
): Promise<{ readonly ok: boolean; readonly why?: string }> {
  try {
    const why = faultOf(await inTime(work, limit));
    return why === undefined ? { ok: true } : { ok: false, why };
  } catch (error) {
    return { ok: false, why: isMusterError(error) ? error.code : problemFrom(error).code };
  }
}
