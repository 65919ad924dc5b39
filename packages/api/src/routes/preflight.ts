import {
  createPlan,
  newDrillId,
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
import { awaited, isServed, notServed, notYet } from '../worker-answers.js';

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
      if (!isServed(fleet))
        return preflightOf(source, {
          ...known,
          unknown: [unknown(notServed(source, `muster doctor --source ${slug}`))],
        });
      const plan = createPlan(config, source, {
        drillId: newDrillId(ports.now()),
        trigger: { kind: 'api', requested_by: principal.name },
        restorePoint,
      });
      await ports.looks.ask(question, plan);
      const look = await awaited(answer);
      return look === undefined
        ? preflightOf(source, { ...known, unknown: [unknown(notYet(source))] })
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

const unknown = (why: string) => ({ what: 'backup' as const, why });
