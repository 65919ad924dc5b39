import {
  createPlan,
  type Look,
  newDrillId,
  type PoolOutlook,
  preflightOf,
  preflightSchema,
  type RestorePoint,
  type Source,
} from '@muster/core';
import { poolOutlook } from '@muster/queue';
import type { Api } from '../api.js';
import { configInForce, sourceOf } from '../in-force.js';
import { Refusal } from '../problem.js';
import { preflightQuery, problems, sourceParams } from '../schemas.js';

/** Whoever asks is to have an answer within 10 s, this one or that there is none yet. */
const WAITING_MS = 8_000;
const LOOK_MS = 100;

/** What is known of the next drill of a source before it runs. */
export function preflightRoutes({ server, ports }: Api): void {
  server.get(
    '/api/v1/sources/:slug/preflight',
    {
      config: { role: 'viewer', rateLimit: { max: 120, timeWindow: '1 minute' } },
      // It gives workers something to do.
      exposeHeadRoute: false,
      schema: {
        summary: 'Which backup the next drill would take, what it needs, why it would wait or be refused',
        description:
          'Only workers reach the backups: one of the pool is asked to look, and what it sees counts for a minute. Where it has not answered within 8 s, look is absent, unknown says so, and the next request may have it.',
        tags: ['sources'],
        params: sourceParams,
        querystring: preflightQuery,
        response: { 200: preflightSchema, ...problems(400, 401, 404) },
      },
    },
    async ({ params: { slug }, query: { schedule }, principal }) => {
      const config = await configInForce(ports);
      const source = sourceOf(config, slug, 404);
      const restorePoint = restorePointOf(source, schedule);
      const fleet = await poolOutlook(ports, source);
      const question = { configSha256: config.configSha256, source: slug, schedule };
      const answer = () => ports.looks.answer(question);
      const known = { fleet, schedule };
      const seen = await answer();
      if (seen !== undefined) return preflightOf(source, { ...known, look: seen });
      if (!isServed(fleet)) return preflightOf(source, { ...known, unknown: [notServed(source)] });
      const plan = createPlan(config, source, {
        drillId: newDrillId(ports.now()),
        trigger: { kind: 'api', requested_by: principal.name },
        restorePoint,
      });
      await ports.looks.ask(question, plan);
      const look = await awaited(answer);
      return look === undefined
        ? preflightOf(source, { ...known, unknown: [notYet(source)] })
        : preflightOf(source, { ...known, look });
    },
  );
}

function restorePointOf({ slug, schedules }: Source, name: string | undefined): RestorePoint {
  if (name === undefined) return { kind: 'latest' };
  const found = schedules.find((schedule) => schedule.name === name);
  if (found !== undefined) return found.restorePoint;
  throw new Refusal(400, 'unknown_schedule', `The source "${slug}" has no schedule of that name.`);
}

const isServed = ({ workers }: PoolOutlook): boolean => workers.some(({ state }) => state === 'ready');

const notServed = ({ slug, pool }: Source) => ({
  what: 'backup' as const,
  why: `Only workers reach the backups, and none serves the pool ${pool} now: start one, or run muster doctor --source ${slug} where they are.`,
});

const notYet = ({ pool }: Source) => ({
  what: 'backup' as const,
  why: `A worker of the pool ${pool} was asked to look at the backups, and has not answered yet: ask again in a minute.`,
});

async function awaited(answer: () => Promise<Look | undefined>): Promise<Look | undefined> {
  for (const limit = Date.now() + WAITING_MS; ; ) {
    const look = await answer();
    if (look !== undefined || Date.now() >= limit) return look;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
